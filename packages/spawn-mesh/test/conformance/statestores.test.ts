/** Every statestore without a server against the contract of the port, and against the model. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { encryptedStatestore } from "../../src/statestores/encrypted/index.ts";
import { memoryStatestore } from "../../src/statestores/memory/index.ts";
import { sqliteStatestore } from "../../src/statestores/sqlite/index.ts";
import type { OpenStatestore } from "../../src/testing/statestore-conformance.ts";
import { checkEncrypted, checkKeeping, encryption, opened } from "./check-contract.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-statestores-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** For each kind of statestore without a server: makes a way to open one that is empty at first. */
const kinds: Readonly<Record<string, () => OpenStatestore>> = {
  memory() {
    const store = memoryStatestore();
    return (owner, keyIds) => opened(store, owner, keyIds);
  },
  sqlite() {
    const file = join(mkdtempSync(join(directory, "sqlite-")), "state.db");
    return (owner, keyIds) => opened(sqliteStatestore({ file }), owner, keyIds);
  },
  "encrypted memory"() {
    const store = encryptedStatestore(memoryStatestore(), encryption);
    return (owner) => opened(store, owner);
  },
  "encrypted sqlite"() {
    const file = join(mkdtempSync(join(directory, "encrypted-")), "state.db");
    return (owner) => opened(encryptedStatestore(sqliteStatestore({ file }), encryption), owner);
  },
};

for (const [kind, create] of Object.entries(kinds)) {
  describe.concurrent(`${kind} statestore`, () => {
    if (kind.startsWith("encrypted")) checkEncrypted(create);
    else checkKeeping(create);
  });
}
