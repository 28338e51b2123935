/**
 * A process with a SQLite statestore, for tests that need a real one.
 * Usage: sqlite-child.ts FILE hold | commit COUNT | resolve COUNT | idle
 */
import { StoreFailure } from "../../src/engine/statestore.ts";
import { sqliteStatestore } from "../../src/statestores/sqlite/index.ts";
import {
  actorNamed,
  findRow,
  firstCommit,
  loadRow,
  nextCommit,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";

const [file = "", command = "", count = "0"] = process.argv.slice(2);
const actor = actorNamed("child");
const store = sqliteStatestore({ file });
await store.open({ owner: `process ${process.pid}` });

switch (command) {
  case "hold":
    // Until it is killed.
    setInterval(() => {}, 1000);
    break;
  case "idle":
    await store.commit([firstCommit(actor)]);
    break;
  case "commit":
    for (let index = 0; index < Number(count); index++) await commitNext();
    await store.close();
    break;
  case "resolve":
    await resolveFailures(Number(count));
    await store.close();
    break;
  default:
    throw new Error(`unknown command ${command}`);
}
console.log("done");

async function commitNext(): Promise<void> {
  const row = await findRow(store, actor);
  const commit = row === undefined ? firstCommit(actor) : nextCommit(actor, row);
  const [handle] = await store.commit([commit]);
  if (handle === undefined) throw new Error("a commit was refused");
}

/** Commits `commits` times and repeats what failed as ambiguous; prints how each of those ended. */
async function resolveFailures(commits: number): Promise<void> {
  for (let index = 0; index < commits; index++) {
    const row = await findRow(store, actor);
    const commit = row === undefined ? firstCommit(actor) : nextCommit(actor, row);
    try {
      await store.commit([commit]);
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      console.log(`failed ${error.kind}`);
      const [handle] = await store.commit([commit]);
      const isMine = (await loadRow(store, actor)).etag === commit.etag;
      console.log(`repeated ${handle === undefined ? "refused" : "applied"} mine=${isMine}`);
    }
  }
  console.log(`revision ${(await loadRow(store, actor)).revision}`);
}
