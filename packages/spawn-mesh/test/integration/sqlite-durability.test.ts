/** What was answered is on the disk; what fails says for certain whether it was applied, or that it may be. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterAll, beforeEach, expect, test } from "vitest";
import { StoreFailure } from "../../src/engine/statestore.ts";
import { sqliteStatestore } from "../../src/statestores/sqlite/index.ts";
import {
  actorNamed,
  advance,
  apply,
  createActor,
  findRow,
  firstCommit,
  loadRow,
  nextCommit,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { canRun, childCommand, run } from "./sqlite-child-process.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-sqlite-durability-"));
const ann = actorNamed("ann");
const bob = actorNamed("bob");

let file = "";
beforeEach(() => {
  file = join(mkdtempSync(join(directory, "case-")), "state.db");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const hasStrace = canRun("strace", "-f", "-c", "-e", "trace=fdatasync", "true");

test("the writer's own connection reports synchronous=2 and WAL", async () => {
  const store = sqliteStatestore({ file });
  await store.open({ owner: "session-1" });
  expect(await store.readDurability()).toEqual({ journalMode: "wal", synchronous: 2 });
  await store.close();
});

test("syncs the disk at least once a group of commits", async ({ skip }) => {
  if (!hasStrace) skip("strace is missing");
  const groups = 40;
  const counts = `${file}.strace`;
  const trace = ["strace", "-f", "-c", "-o", counts, "-e", "trace=fdatasync,fsync"];
  const { status, output } = await run([...trace, ...childCommand(file, "commit", `${groups}`)]);
  expect(output).toBe("done\n");
  expect(status).toBe(0);
  const lines = readFileSync(counts, "utf8").split("\n");
  const syncs = lines
    .filter((line) => /\bf(data)?sync$/.test(line))
    .reduce((total, line) => total + Number(line.trim().split(/\s+/)[3]), 0);
  expect(syncs).toBeGreaterThanOrEqual(groups);
});

test("an I/O error at COMMIT is ambiguous, and repeating the commit tells what became of it", async ({
  skip,
}) => {
  if (!hasStrace) skip("strace is missing");
  const trace = ["strace", "-f", "-o", `${file}.strace`, "-e", "trace=fdatasync,fsync"];
  await run(childCommand(file, "commit", "1"));
  const inject = ["-e", "inject=fdatasync,fsync:error=EIO:when=4"];
  const { output, status } = await run([
    ...trace,
    ...inject,
    ...childCommand(file, "resolve", "9"),
  ]);
  expect(output).toMatch(
    /^failed ambiguous\nrepeated (refused|applied) mine=true\nrevision 10\ndone\n$/,
  );
  expect(status).toBe(0);
});

test("a dead worker leaves commits ambiguous; the next call starts another and repeating resolves", async () => {
  const workers: Worker[] = [];
  const onWorker = (worker: Worker): void => void workers.push(worker);
  process.on("worker", onWorker);
  const store = sqliteStatestore({ file });
  await store.open({ owner: "session-1" });
  let row = await createActor(store, ann);
  let deaths = 0;
  for (let round = 0; deaths < 5; round++) {
    expect(round, "the commit was faster than the death of its worker too often").toBeLessThan(50);
    const commit = nextCommit(ann, row, { revisionsKept: 100 });
    const [committing, loading] = [store.commit([commit]), findRow(store, ann)];
    const outcomes = Promise.allSettled([committing, loading]);
    await workers.at(-1)?.terminate();
    const [committed, loaded] = await outcomes;
    if (committed.status === "rejected") {
      deaths++;
      expect(committed.reason).toMatchObject({ kind: "ambiguous" });
      expect(loaded).toMatchObject({ status: "rejected", reason: { kind: "retry" } });
      await store.commit([commit]);
    }
    row = await loadRow(store, ann);
    expect(row.etag).toBe(commit.etag);
    expect(await store.listRevisions(ann)).toHaveLength(round + 1);
    expect(workers).toHaveLength(round + 2);
  }
  process.off("worker", onWorker);
  await store.close();
});

test("a worker that died while nothing was asked is replaced without notice", async () => {
  const workers: Worker[] = [];
  const onWorker = (worker: Worker): void => void workers.push(worker);
  process.on("worker", onWorker);
  const store = sqliteStatestore({ file });
  await store.open({ owner: "session-1" });
  const row = await createActor(store, ann);
  await workers.at(-1)?.terminate();
  expect((await advance(store, ann, { row })).revision).toBe(2);
  process.off("worker", onWorker);
  await store.close();
});

test("a row that is too large fails alone by name, and nothing of its batch is applied", async () => {
  const store = sqliteStatestore({ file, rowSizeMaxBytes: 100_000 });
  await store.open({ owner: "session-1" });
  const large = firstCommit(bob, { state: `"${"x".repeat(200_000)}"` });
  const failure: unknown = await store.commit([firstCommit(ann), large]).catch((error) => error);
  expect(failure).toBeInstanceOf(StoreFailure);
  expect(failure).toMatchObject({ kind: "rows", rows: [1] });
  expect(await findRow(store, ann)).toBeUndefined();
  await apply(store, firstCommit(ann));
  expect((await findRow(store, ann))?.owner).toBe("session-1");
  await store.close();
});

/** A file system of `size` that is gone after the test; `undefined` where none can be mounted. */
function mountSmallDisk(size: string): { path: string; grow(): void; unmount(): void } | undefined {
  const path = join(mkdtempSync(join(directory, "disk-")), "mounted");
  mkdirSync(path);
  if (!canRun("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path)) return undefined;
  return {
    path,
    grow: () => void spawnSync("mount", ["-o", "remount,size=64m", path]),
    unmount: () => void spawnSync("umount", [path]),
  };
}

test("a full disk is `capacity`: nothing of the batch is applied, nothing before it is lost", async ({
  skip,
}) => {
  const disk = mountSmallDisk("1m");
  if (disk === undefined) return skip("no file system can be mounted here");
  try {
    const store = sqliteStatestore({ file: join(disk.path, "state.db") });
    await store.open({ owner: "session-1" });
    const state = `"${"x".repeat(20_000)}"`;
    let count = 0;
    let failure: unknown;
    while (failure === undefined && count < 1000) {
      const commit = firstCommit(actorNamed(`actor-${count}`), { state });
      failure = await store.commit([commit]).then(
        () => void count++,
        (error: unknown) => error,
      );
    }
    expect(failure).toMatchObject({ kind: "capacity" });
    expect(count).toBeGreaterThan(5);
    expect(await findRow(store, actorNamed(`actor-${count}`))).toBeUndefined();
    for (let index = 0; index < count; index++) await loadRow(store, actorNamed(`actor-${index}`));

    disk.grow();
    await apply(store, firstCommit(actorNamed(`actor-${count}`), { state }));
    await store.close();
  } finally {
    disk.unmount();
  }
});
