import { expect, test } from "vitest";
import { statestoreFromUrl } from "../from-url.ts";
import { mssqlStatestore } from "./index.ts";
import { resolveMssql } from "./mssql-options.ts";

const URL_OF_SHOP = "mssql://shop:se%40cret@db.example/shop";

test("takes an address apart, and leaves the password out of what is shown", () => {
  const { config, address, settings } = resolveMssql({ url: URL_OF_SHOP, lockTimeoutMs: 100 });
  expect(address).toBe("mssql://shop@db.example:1433/shop");
  expect(settings).toEqual({ lockTimeoutMs: 100 });
  expect(config).toMatchObject({
    server: "db.example",
    port: 1433,
    user: "shop",
    password: "se@cret",
    database: "shop",
    connectionTimeout: 5_000,
    requestTimeout: 10_000,
    pool: { max: 8 },
    options: { encrypt: false, trustServerCertificate: false },
  });
});

const CA = "-----BEGIN CERTIFICATE-----";

test.each([
  ["", undefined, { encrypt: false, trustServerCertificate: false }],
  ["?encrypt=false", undefined, { encrypt: false, trustServerCertificate: false }],
  [
    "",
    { ca: CA, serverName: "db" },
    {
      encrypt: true,
      trustServerCertificate: false,
      serverName: "db",
      cryptoCredentialsDetails: { ca: CA },
    },
  ],
  ["?encrypt=true", undefined, { encrypt: true, trustServerCertificate: false }],
  ["?encrypt=Strict", undefined, { encrypt: "strict", trustServerCertificate: false }],
  ["?encrypt=no-verify", undefined, { encrypt: true, trustServerCertificate: true }],
] as const)("encrypts as asked: %s with %j", (parameters, tls, options) => {
  const { config } = resolveMssql({ url: URL_OF_SHOP + parameters, ...(tls && { tls }) });
  expect(config.options).toMatchObject(options);
});

test.each([
  ["mysql://shop:secret@db/shop", /expected mssql:/],
  ["mssql://shop:secret@db", /without the name of a database/],
  ["mssql://db/shop", /without a user/],
  [`${URL_OF_SHOP}?encrypt=perhaps`, /encrypt: expected one of false, true, strict, no-verify/],
  [`${URL_OF_SHOP}?instance=a`, /expected no parameter but encrypt/],
])("refuses %s, and shows no password", (url, reason) => {
  const refused = (): unknown => mssqlStatestore({ url });
  expect(refused).toThrow(reason);
  expect(refused).not.toThrow(/secret/);
});

test.each([
  ["mssql://u:p@db/shop", undefined],
  ["sqlserver://u:p@db/shop", undefined],
  ["mssql://u:p@db/shop", "MSSQL"],
  ["sqlserver://u:p@db/shop", "MsSql"],
  ["mssql://u:p@db/shop", "SqlServer"],
])("is found by the address %s and the type %s", (url, type) => {
  expect(statestoreFromUrl(url, type === undefined ? {} : { type }).needsEncryption).toBe(true);
  expect(() => statestoreFromUrl(url, { type: "MariaDB" })).toThrow(/expected an address/);
});

test("says what to install when the driver is missing", async () => {
  const store = statestoreFromUrl("mssql://u:p@127.0.0.1:1/shop");
  await expect(store.open({ owner: "session-1" })).rejects.toMatchObject({
    code: "STATESTORE_UNAVAILABLE",
    message: expect.stringMatching(/npm install mssql|cannot be used/),
  });
});
