/** Every statestore without a server against the contract of the port, and against the model. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { encryptedStatestore } from "../../src/statestores/encrypted/index.ts";
import { statestoreFromUrl } from "../../src/statestores/from-url.ts";
import { memoryStatestore } from "../../src/statestores/memory/index.ts";
import { sqliteFiles } from "../servers/sqlite-files.ts";
import { checkEncrypted, checkKeeping, checkServer, encryption, opened } from "./check-contract.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-statestores-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

checkServer(sqliteFiles(directory), statestoreFromUrl);

describe.concurrent("memory statestore", () => {
  checkKeeping((run) => {
    const store = memoryStatestore();
    return run((owner, keyIds) => opened(store, owner, keyIds));
  });

  describe("with encryption", () => {
    checkEncrypted((run) => {
      const store = encryptedStatestore(memoryStatestore(), encryption);
      return run((owner) => opened(store, owner));
    });
  });
});
