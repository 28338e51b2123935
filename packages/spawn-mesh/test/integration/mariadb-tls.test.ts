/** Encrypted connections to MariaDB: verified unless told otherwise in so many words. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mysqlStatestore, type TlsMaterial } from "../../src/statestores/mysql/index.ts";
import { type Certificate, TestAuthority } from "../servers/certificates.ts";
import { administerMysql, mariadb, MARIADB_PASSWORD, startMariadb } from "../servers/mariadb.ts";
import type { OwnServer } from "../servers/test-database.ts";
import { serverDirectory, serverUser } from "../servers/server-process.ts";

describe.skipIf(mariadb.missing !== undefined)("a MariaDB statestore with TLS", () => {
  let directory: string;
  let server: OwnServer;
  let ca: string;
  let authority: TestAuthority;
  let client: Certificate;
  let stranger: Certificate;

  beforeAll(async () => {
    const user = serverUser("mysql");
    directory = serverDirectory("certificates", user);
    authority = new TestAuthority(directory, user);
    const { certFile, keyFile } = authority.sign("database.example", "DNS:database.example");
    ca = authority.certificate.cert;
    client = authority.sign("spawn");
    const strangers = serverDirectory("strangers", user);
    stranger = new TestAuthority(strangers, user).sign("spawn");
    rmSync(strangers, { recursive: true });
    server = await startMariadb({
      ssl_cert: certFile,
      ssl_key: keyFile,
      ssl_ca: authority.certificate.certFile,
    });
    for (const [name, required] of [
      ["careful", "SSL"],
      ["known", "SUBJECT '/CN=spawn'"],
    ]) {
      await administerMysql(
        server.url,
        `CREATE USER ${name} IDENTIFIED BY '${MARIADB_PASSWORD}' REQUIRE ${required};
          GRANT ALL ON *.* TO ${name}`,
      );
    }
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  /** Opens as a user whom the server lets in over encrypted connections only. */
  async function open(
    mode: string | undefined,
    tls?: TlsMaterial,
    user = "careful",
  ): Promise<void> {
    const url = new URL(await server.createPlace());
    url.username = user;
    if (mode !== undefined) url.searchParams.set("ssl-mode", mode);
    const store = mysqlStatestore({ url: url.href, ...(tls && { tls }) });
    await store.open({ owner: "session-1" });
    await store.close();
  }

  const refused = { code: "STATESTORE_UNAVAILABLE" };

  test("is encrypted and verified when there is an authority to trust", async () => {
    await open(undefined, { ca, serverName: "database.example" });
    await open("VERIFY_IDENTITY", { ca, serverName: "database.example" });
  });

  test("shows its own certificate to a server that wants one", async () => {
    const trusted = { ca, serverName: "database.example" };
    const { cert, key } = client;
    await open("REQUIRED", { ...trusted, cert, key }, "known");
    await expect(open("REQUIRED", trusted, "known")).rejects.toThrow(/Access denied/);
    const unknown = { ...trusted, cert: stranger.cert, key: stranger.key };
    await expect(open("REQUIRED", unknown, "known")).rejects.toMatchObject(refused);
  });

  test.each([
    ["verifies a server by its number when it is called by that", "IP:127.0.0.1", true],
    ["takes a certificate for localhost for no other's", "DNS:localhost", false],
  ])("%s", async (_, alternative, isTrusted) => {
    const { certFile, keyFile } = authority.sign("numbered", alternative);
    const numbered = await startMariadb({ ssl_cert: certFile, ssl_key: keyFile });
    const store = mysqlStatestore({ url: numbered.url, tls: { ca } });
    const opening = store.open({ owner: "session-1" });
    if (isTrusted) await opening;
    else await expect(opening).rejects.toMatchObject(refused);
    await store.close();
    await numbered.stop();
  });

  test("is refused when nobody whom it trusts has signed the server's certificate", async () => {
    await expect(open("REQUIRED", { serverName: "database.example" })).rejects.toMatchObject(
      refused,
    );
  });

  test("is refused when the certificate is another server's", async () => {
    await expect(open("REQUIRED", { ca, serverName: "other.example" })).rejects.toMatchObject(
      refused,
    );
    await expect(open("REQUIRED", { ca })).rejects.toMatchObject(refused);
  });

  test("trusts anybody when it is told to, and encrypts all the same", async () => {
    await open("NO_VERIFY");
  });

  test("is not encrypted when nobody asks for it", async () => {
    await expect(open(undefined)).rejects.toThrow(/Access denied/);
  });
});
