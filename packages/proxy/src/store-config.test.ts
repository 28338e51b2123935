import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { readConfig } from "./config.ts";
import { openStatestore } from "./store-config.ts";

const system = { name: "shop", isDefault: true };

describe.each(["postgres", "cockroachdb", "mysql", "mariadb", "mssql"])(
  "the address of a database of type %s",
  (type) => {
    test.each([
      {},
      { PROXY_DATABASE_SSL: "true" },
      { PROXY_DATABASE_SSL: "true", PROXY_DATABASE_SSL_VERIFY: "true" },
    ])("is one that its statestore takes, with %j", (tls) => {
      const { store } = readConfig({ PROXY_DATABASE_TYPE: type, ...tls });
      expect(openStatestore(store, undefined, system)).toHaveProperty("commit");
    });
  },
);

test("the file of another system has its name as it is written, and stands beside the first", async () => {
  const directory = mkdtempSync(join(tmpdir(), "spawn-proxy-file-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "state 100%.db");
  const { store } = readConfig({ PROXY_DATABASE_NAME: file });
  for (const [name, isDefault, made] of [
    ["shop", true, file],
    ["../other", false, `${file}...%2Fother`],
  ] as const) {
    const statestore = openStatestore(store, undefined, { name, isDefault });
    await statestore.open({ owner: "me" });
    await statestore.close();
    expect(existsSync(made)).toBe(true);
  }
});
