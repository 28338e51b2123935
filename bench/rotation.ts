/**
 * A change of keys under load: 100 000 actors on a SQLite file are encrypted anew while 256 calls at a
 * time go to 1 000 of them. The change goes on for a second and waits for the next, in turn, so that
 * the p99 of both kinds of seconds can be compared whatever else the machine does. In the end the file
 * is asked whose key its rows have, and a system with the new key alone reads every actor.
 *
 * usage: node --conditions=@spawn-mesh/source bench/rotation.ts rotation
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { actor, actorSystem } from "spawn-mesh";
import type { ActorSystem, Encryption, Reencryption, Statestore } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { dataFolder } from "./harness/data-folder.ts";
import { closedLoop, eachOnce } from "./harness/drive.ts";
import type { Driven } from "./harness/drive.ts";
import { Histogram, round } from "./harness/histogram.ts";
import { seededPick } from "./harness/measure.ts";
import { watchDisturbance } from "./harness/processes.ts";

const STORED_ACTORS = Number(process.env["BENCH_ROTATION_ROWS"] ?? 100_000);
const CALLED_ACTORS = 1_000;
const INFLIGHT = 256;
const WARMUP_SECONDS = 1;
const WINDOW_SECONDS = 1;

const old = randomBytes(32);
const next = randomBytes(32);
const file = join(dataFolder("rotation"), "state.db");

const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ total: 0 }),
  actions: {
    add(context, { value }: { value: number }) {
      context.state.total += value;
      return { total: context.state.total };
    },
  },
});

/** Lets a change of keys go on, or wait. */
class Gate {
  #opened = Promise.withResolvers<void>();

  open(): void {
    this.#opened.resolve();
  }

  close(): void {
    this.#opened = Promise.withResolvers();
  }

  /** The statestore, whose rows are looked at while the gate is open only. */
  around(store: Statestore): Statestore {
    const { sealed } = store;
    const scan: typeof sealed.scan = async (page) => {
      await this.#opened.promise;
      return await sealed.scan(page);
    };
    return Object.assign(store, { sealed: { ...sealed, scan } });
  }
}

/** Measured parts of the time, as one. */
class Windows {
  ops = 0;
  seconds = 0;
  readonly latencies = new Histogram();

  add({ calls, seconds, latencies }: Driven): void {
    this.ops += calls;
    this.seconds += seconds;
    this.latencies.add(latencies);
  }
}

async function startSystem(encryption: Encryption, gate?: Gate): Promise<ActorSystem> {
  const store = sqliteStatestore({ file });
  const statestore = gate?.around(store) ?? store;
  const system = actorSystem("bench", { actors: [counter], statestore, encryption });
  await system.start();
  return system;
}

async function fill(): Promise<void> {
  await using system = await startSystem({ keys: { old } });
  const op = (index: number): Promise<unknown> =>
    system.actor(counter, `c-${index}`).add({ value: 1 });
  await eachOnce({ op, inflight: INFLIGHT, sampleEvery: 1 }, STORED_ACTORS);
}

async function readAll(): Promise<void> {
  await using system = await startSystem({ keys: { next }, required: true });
  const op = async (index: number): Promise<void> => {
    const { total } = await system.actor(counter, `c-${index}`).get();
    if (total < 1) throw new Error(`c-${index} came back with ${total}`);
  };
  await eachOnce({ op, inflight: INFLIGHT, sampleEvery: 1 }, STORED_ACTORS);
}

function countByKey(): Readonly<Record<string, number>> {
  const database = new DatabaseSync(file, { readOnly: true });
  const counts: Record<string, number> = {};
  for (const table of ["spawn_actor", "spawn_history"]) {
    const rows = database.prepare(`SELECT key_id, count(*) AS n FROM ${table} GROUP BY 1`).all();
    for (const { key_id: keyId, n } of rows) counts[`${table} ${String(keyId)}`] = Number(n);
  }
  database.close();
  return counts;
}

await fill();
const gate = new Gate();
const system = await startSystem({ keys: { old, next }, active: "next" }, gate);
const pick = seededPick();
const drive = {
  op: () => system.actor(counter, `c-${pick(CALLED_ACTORS)}`).add({ value: 1 }),
  inflight: INFLIGHT,
  sampleEvery: 1,
};
await closedLoop(drive, WARMUP_SECONDS);
gate.close();
let isOver = false;
const rotation = system.reencrypt().finally(() => (isOver = true));
const endDisturbance = watchDisturbance();
const cpu = process.cpuUsage();
const beside = new Windows();
const during = new Windows();
while (!isOver) {
  beside.add(await closedLoop(drive, WINDOW_SECONDS));
  gate.open();
  during.add(await closedLoop(drive, WINDOW_SECONDS));
  gate.close();
}
const used = process.cpuUsage(cpu);
const disturbance = endDisturbance();
const outcome: Reencryption = await rotation;
await system.stop();
const rows = countByKey();
await readAll();
const line = {
  peer: "spawn-mesh",
  workload: process.argv[2] ?? "rotation",
  durability: "SQLite, fsync before the reply, group commit, encrypted anew meanwhile",
  inflight: INFLIGHT,
  actors: STORED_ACTORS,
  ops: during.ops,
  seconds: round(during.seconds),
  opsPerSec: Math.round(during.ops / during.seconds),
  opsPerSecBeside: Math.round(beside.ops / beside.seconds),
  p50us: during.latencies.percentileUs(0.5),
  p99us: during.latencies.percentileUs(0.99),
  p99usBeside: beside.latencies.percentileUs(0.99),
  cpuUsPerOp: round((used.user + used.system) / (during.ops + beside.ops)),
  ...disturbance,
  rewritten: outcome.rewritten,
  passes: outcome.pass,
  isComplete: outcome.isComplete,
  rows,
};
process.stdout.write(`${JSON.stringify(line)}\n`);
if (!outcome.isComplete || Object.keys(rows).some((name) => !name.endsWith(" next"))) {
  throw new Error("rows were left under another key");
}
