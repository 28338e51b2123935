/** One opener a file, whoever else tries, and however the last one ended. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeEach, expect, test } from "vitest";
import { sqliteStatestore } from "../../src/statestores/sqlite/index.ts";
import {
  actorNamed,
  createActor,
  loadRow,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { childCommand, printed, run, start } from "./sqlite-child-process.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-sqlite-lock-"));
const ann = actorNamed("ann");

let file = "";
beforeEach(() => {
  file = join(mkdtempSync(join(directory, "case-")), "state.db");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("refuses a second opening in this process, again and again, until the first is closed", async () => {
  const first = sqliteStatestore({ file });
  await first.open({ owner: "session-1" });
  const second = sqliteStatestore({ file });
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect(second.open({ owner: "session-2" })).rejects.toThrow(
      /STATESTORE_UNAVAILABLE.*in use/,
    );
    await expect(first.open({ owner: "session-1" })).rejects.toThrow(/in use/);
  }
  // The attempts have not let go of the lock, which a second process would notice.
  const { status, output } = await run(childCommand(file, "commit", "1"));
  expect(output).toMatch(/in use/);
  expect(status).not.toBe(0);
  await createActor(first, ann);
  await first.close();
  await second.open({ owner: "session-2" });
  expect((await loadRow(second, ann)).owner).toBe("session-1");
  await second.close();
});

test("refuses while another process has it open, and not after kill -9 of that process", async () => {
  const child = start(childCommand(file, "hold"));
  await printed(child, "done");
  const store = sqliteStatestore({ file });
  await expect(store.open({ owner: "session-1" })).rejects.toThrow(
    /STATESTORE_UNAVAILABLE.*in use/,
  );
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGKILL");
  await ended;
  await store.open({ owner: "session-1" });
  await createActor(store, ann);
  await store.close();
});

test("lets others read the file while it is open", async () => {
  const store = sqliteStatestore({ file });
  await store.open({ owner: "session-1" });
  await createActor(store, ann);
  const script = `const { DatabaseSync } = require("node:sqlite");
    const database = new DatabaseSync(process.argv[1], { readOnly: true });
    console.log(database.prepare("SELECT name FROM spawn_name").get().name);`;
  const { output } = await run([process.execPath, "--eval", script, file]);
  expect(output).toBe("ann\n");
  await store.close();
});

test("does not keep an idle process alive", async () => {
  const { status, output } = await run(childCommand(file, "idle"));
  expect(output).toBe("done\n");
  expect(status).toBe(0);
});

test("starts its worker whatever flags the process was started with", async () => {
  const index = new URL("../../src/statestores/sqlite/index.ts", import.meta.url).href;
  const script = `const { sqliteStatestore } = await import(${JSON.stringify(index)});
    const store = sqliteStatestore({ file: process.argv[1] });
    await store.open({ owner: "session-1" });
    await store.close();
    console.log("done");`;
  const flags = [
    "--expose-gc",
    "--stack-size=900",
    "--title=host",
    "--input-type=module",
    "--eval",
  ];
  const { status, output } = await run([process.execPath, ...flags, script, file]);
  expect(output).toBe("done\n");
  expect(status).toBe(0);
});

test("waits for another program that holds a lock on the file, and fails with `retry` in the end", async () => {
  const store = sqliteStatestore({ file, busyTimeoutMs: 50 });
  await store.open({ owner: "session-1" });
  const other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  await expect(createActor(store, ann)).rejects.toMatchObject({ kind: "retry" });
  other.exec("ROLLBACK");
  other.close();
  await createActor(store, ann);
  await store.close();
});
