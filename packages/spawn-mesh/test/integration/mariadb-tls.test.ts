/** Encrypted connections to MariaDB: verified unless told otherwise in so many words. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mysqlStatestore, type TlsMaterial } from "../../src/statestores/mysql/index.ts";
import { TestAuthority } from "../servers/certificates.ts";
import { administerMysql, mariadb, MARIADB_PASSWORD, startMariadb } from "../servers/mariadb.ts";
import type { OwnServer } from "../servers/test-database.ts";
import { serverDirectory, serverUser } from "../servers/server-process.ts";

describe.skipIf(mariadb.missing !== undefined)("a MariaDB statestore with TLS", () => {
  let directory: string;
  let server: OwnServer;
  let ca: string;

  beforeAll(async () => {
    const user = serverUser("mysql");
    directory = serverDirectory("certificates", user);
    const authority = new TestAuthority(directory, user);
    const { certFile, keyFile } = authority.sign("database.example", "DNS:database.example");
    ca = authority.certificate.cert;
    server = await startMariadb({ ssl_cert: certFile, ssl_key: keyFile });
    await administerMysql(
      server.url,
      `CREATE USER careful IDENTIFIED BY '${MARIADB_PASSWORD}' REQUIRE SSL; GRANT ALL ON *.* TO careful`,
    );
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  /** Opens as a user whom the server lets in over encrypted connections only. */
  async function open(mode: string | undefined, tls?: TlsMaterial): Promise<void> {
    const url = new URL(await server.createPlace());
    url.username = "careful";
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
