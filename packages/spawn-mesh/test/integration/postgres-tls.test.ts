/** Encrypted connections to PostgreSQL: verified unless told otherwise in so many words. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresStatestore, type TlsMaterial } from "../../src/statestores/postgres/index.ts";
import { type Certificate, TestAuthority } from "../servers/certificates.ts";
import { administer, postgres, startPostgres } from "../servers/postgres.ts";
import type { OwnServer } from "../servers/test-database.ts";
import { serverDirectory, serverUser } from "../servers/server-process.ts";

describe.skipIf(postgres.missing !== undefined)("a PostgreSQL statestore with TLS", () => {
  let directory: string;
  let server: OwnServer;
  let ca: string;
  let client: Certificate;

  beforeAll(async () => {
    const user = serverUser("postgres");
    directory = serverDirectory("certificates", user);
    const authority = new TestAuthority(directory, user);
    const { certFile, keyFile } = authority.sign("server", "IP:127.0.0.1");
    ca = authority.certificate.cert;
    client = authority.sign("spawn");
    server = await startPostgres({
      ssl: "on",
      ssl_cert_file: certFile,
      ssl_key_file: keyFile,
      ssl_ca_file: authority.certificate.certFile,
    });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  /** What the server says of the connection, once the store is open. */
  async function encryption(sslmode: string | undefined, tls?: TlsMaterial): Promise<unknown> {
    const url = new URL(await server.createPlace());
    if (sslmode !== undefined) url.searchParams.set("sslmode", sslmode);
    const store = postgresStatestore({ url: url.href, ...(tls && { tls }) });
    await store.open({ owner: "session-1" });
    try {
      return await administer(
        server.url,
        `SELECT s.ssl, s.client_dn FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
          WHERE a.application_name = 'spawn-mesh'`,
      );
    } finally {
      await store.close();
    }
  }

  test("is encrypted when there is an authority to trust", async () => {
    expect(await encryption(undefined, { ca })).toEqual([{ ssl: true, client_dn: null }]);
    expect(await encryption("verify-full", { ca })).toEqual([{ ssl: true, client_dn: null }]);
  });

  test("shows its own certificate", async () => {
    const { cert, key } = client;
    expect(await encryption("require", { ca, cert, key })).toEqual([
      { ssl: true, client_dn: "/CN=spawn" },
    ]);
  });

  test("is refused when nobody whom it trusts has signed the server's certificate", async () => {
    await expect(encryption("require")).rejects.toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
  });

  test("is refused when the certificate is another server's", async () => {
    await expect(encryption("require", { ca, serverName: "other" })).rejects.toMatchObject({
      code: "STATESTORE_UNAVAILABLE",
    });
  });

  test("trusts anybody when it is told to, and encrypts all the same", async () => {
    expect(await encryption("no-verify")).toEqual([{ ssl: true, client_dn: null }]);
  });

  test("is not encrypted when nobody asks for it", async () => {
    expect(await encryption(undefined)).toEqual([{ ssl: false, client_dn: null }]);
  });
});
