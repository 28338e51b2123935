/** What happens to messages at the worst moment, with real processes and a SQLite file: none is lost, doubled or overtaken. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeEach, expect, test } from "vitest";
import type { Message } from "../../src/engine/message-store.ts";
import { DELIVERY_GRACE_MS } from "../../src/engine/messages/sending.ts";
import { sqliteStatestore } from "../../src/statestores/sqlite/index.ts";
import { canRun } from "./sqlite-child-process.ts";

const scratch = mkdtempSync(join(tmpdir(), "spawn-messages-at-night-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const FLOW_MS = 700;
/** For how long the disk is full. */
const FULL_MS = 2_000;
const DISK_SIZE = "24m";
const POLL_MS = 20;
const HOUR_MS = 60 * 60 * 1_000;
/** The longest that a stop may take: what the queue holds is run for 10 seconds. */
const STOP_MS_MAX = 11_000;
/** The longest that it may take until nothing is due any more. */
const REST_MS_MAX = 60_000;

let file = "";
beforeEach(() => {
  file = join(mkdtempSync(join(scratch, "test-")), "state.db");
});

/** The program, and what it has said so far. */
function start(
  mode: "flow" | "rest" | "ticks",
  clockMs = 0,
): { readonly child: ChildProcess; readonly lines: () => readonly string[] } {
  const program = join(import.meta.dirname, "programs/message-flow.ts");
  const said = join(mkdtempSync(join(scratch, "said-")), "stdout");
  const stdout = openSync(said, "a");
  const args = ["--conditions=@spawn-mesh/source", program, file, mode, String(clockMs)];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_COMPILE_CACHE: join(scratch, "compiled") },
    stdio: ["ignore", stdout, "inherit"],
  });
  closeSync(stdout);
  return { child, lines: () => readFileSync(said, "utf8").split("\n").slice(0, -1) };
}

interface Flowed {
  readonly acknowledged: number;
  readonly refusals: readonly string[];
  /** How long the process took to end, in milliseconds. */
  readonly endMs: number;
}

/** Lets messages flow for a while, and then ends the process by a signal. */
async function flow(
  signal: NodeJS.Signals,
  { clockMs = 0, meanwhile }: { clockMs?: number; meanwhile?: () => Promise<void> } = {},
): Promise<Flowed> {
  const { child, lines } = start("flow", clockMs);
  while (lines().length === 0) await sleep(POLL_MS);
  await sleep(FLOW_MS);
  await meanwhile?.();
  const signalledAt = performance.now();
  child.kill(signal);
  expect(await once(child, "close")).toEqual([null, signal]);
  const said = lines();
  return {
    acknowledged: said.filter((line) => line === "acknowledged").length,
    refusals: said.filter((line) => line.startsWith("refused")),
    endMs: performance.now() - signalledAt,
  };
}

interface Rest {
  readonly pushed: number;
  readonly sent: number;
  readonly received: number;
  readonly loose: number;
  readonly wrong: number;
  readonly parked: number;
  readonly startMs: number;
  readonly restMs: number;
  readonly peakMib: number;
  readonly isTicking: boolean;
}

/** Starts the system on what is left, and lets it come to rest. */
async function rest(mode: "rest" | "ticks" = "rest"): Promise<Rest> {
  const { child, lines } = start(mode);
  const timeout = setTimeout(() => child.kill("SIGKILL"), REST_MS_MAX);
  expect(await once(child, "close")).toEqual([0, null]);
  clearTimeout(timeout);
  return JSON.parse(lines().at(-1) ?? "") as Rest;
}

function expectWhole(found: Rest): void {
  expect(found).toMatchObject({ received: found.sent, wrong: 0, parked: 0 });
  expect(found.sent).toBeGreaterThan(100);
}

test("SIGTERM in the middle of the flow ends the process in time, loses nothing, and keeps nothing waiting", async () => {
  const { acknowledged, refusals, endMs } = await flow("SIGTERM");
  expect(endMs).toBeLessThan(STOP_MS_MAX);
  expect(refusals.every((line) => line === "refused SHUTTING_DOWN no")).toBe(true);
  const found = await rest();
  expectWhole(found);
  expect(found.pushed).toBe(acknowledged);
  expect(found.restMs).toBeLessThan(DELIVERY_GRACE_MS);
});

const BACKLOG = 50_000;
const STORED_AT_ONCE = 5_000;
/** When the process is killed after its start. */
const LIVES_MS = [150, 300, 500, 900];
/** Until the first call is answered. */
const START_MS_MAX = 5_000;
const PEAK_MIB_MAX = 400;

test("a process that is killed while it starts on 50 000 due messages starts again, soon and small", async () => {
  const store = sqliteStatestore({ file });
  await store.open({ owner: "writer" });
  for (let first = 0; first < BACKLOG; first += STORED_AT_ONCE) {
    const some = Array.from({ length: STORED_AT_ONCE }, (_, at) => dueMessage(first + at));
    await store.messages.send(some);
  }
  await store.close();
  for (const lifeMs of LIVES_MS) {
    const { child } = start("rest");
    await sleep(lifeMs);
    child.kill("SIGKILL");
    await once(child, "close");
  }
  const found = await rest();
  expect(found).toMatchObject({ loose: BACKLOG, wrong: 0, parked: 0 });
  expect(found.startMs).toBeLessThan(START_MS_MAX);
  expect(found.peakMib).toBeLessThan(PEAK_MIB_MAX);
});

function dueMessage(number: number): Message {
  const target = { system: "flow", definition: "node", name: String(number % 40) };
  return {
    id: `backlog-${number}`,
    source: undefined,
    target,
    action: "takeAny",
    payload: JSON.stringify("x".repeat(200)),
    headers: { kind: "call" },
    isOrdered: false,
    isTimer: false,
    sentAt: 0,
    dueAt: 0,
  };
}

test("a clock that goes back an hour between two lives keeps no message and no timer waiting", async () => {
  const { acknowledged } = await flow("SIGKILL", { clockMs: HOUR_MS });
  const found = await rest("ticks");
  expectWhole(found);
  expect(found.pushed).toBeGreaterThanOrEqual(acknowledged);
  expect(found.isTicking).toBe(true);
});

test("messages wait while the disk is full, and flow again when it is not", async ({ skip }) => {
  const disk = mkdtempSync(join(scratch, "disk-"));
  if (!canRun("mount", "-t", "tmpfs", "-o", `size=${DISK_SIZE}`, "tmpfs", disk))
    return skip("no file system can be mounted here");
  try {
    file = join(disk, "state.db");
    const filler = join(disk, "filler");
    const { acknowledged, refusals } = await flow("SIGTERM", {
      async meanwhile() {
        fill(filler);
        await sleep(FULL_MS);
        rmSync(filler);
        await sleep(FLOW_MS);
      },
    });
    expect(refusals).toContain("refused STATESTORE_UNAVAILABLE no");
    expect(
      refusals.filter((line) => !/ (SHUTTING_DOWN|STATESTORE_UNAVAILABLE) no$/.test(line)),
    ).toEqual([]);
    const found = await rest();
    expectWhole(found);
    expect(found.pushed).toBe(acknowledged);
  } finally {
    spawnSync("umount", [disk]);
  }
});

/** Takes all that is left of a disk. */
function fill(path: string): void {
  for (const size of [2 ** 20, 2 ** 12]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: "a" });
    } catch {}
  }
}

test("a file of an older moment is that moment: every actor and every message of it, and no other", async () => {
  await flow("SIGTERM");
  const older = `${file}.older`;
  copyFileSync(file, older);
  const moment = await rest();
  await flow("SIGTERM");
  rmSync(file);
  copyFileSync(older, file);
  expect(await countWaiting()).toBeGreaterThan(0);
  const found = await rest();
  expectWhole(found);
  expect(found.pushed).toBe(moment.pushed);
});

async function countWaiting(): Promise<number> {
  const store = sqliteStatestore({ file });
  await store.open({ owner: "reader" });
  const waiting = await store.messages.list({ limit: 1_000 });
  await store.close();
  return waiting.length;
}
