/**
 * Our side of the workloads: the library as its users get it, through its public doors and the typed
 * reference, with default options. A reference is made for each call where the floor looks up a name.
 *
 * usage: node --expose-gc --conditions=@spawn-mesh/source bench/spawn-mesh.ts WORKLOAD
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { actor, actorSystem } from "spawn-mesh";
import type { ActorSystem, Durability, Statestore } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { statestoreFromUrl } from "spawn-mesh/statestores";
import {
  CountedGroups,
  DATABASE_DURABILITY,
  isDatabaseKind,
  startDatabase,
} from "./harness/database.ts";
import { dataFolder } from "./harness/data-folder.ts";
import { SAMPLE_EVERY, measure, seededPick } from "./harness/measure.ts";
import { stateOfSize } from "./harness/state-of-size.ts";
import type { CounterState } from "./harness/state-of-size.ts";

const MEMORY_ACTORS = 10_000;
const DURABLE_ACTORS = 1_000;
const COLD_ACTORS = 100_000;
/** Write-behind writes after 2 s, idle actors leave after 10 s: between the two all are idle and there. */
const SETTLE_MS = 4_000;

/**
 * `W1-seq`, `W1-seq/durable`, `W3-seq/encrypted`, `W3-1k256/postgres`, `W3-hot64/10KB`: the workload, and
 * what is different about it.
 */
const [workload = "", variant] = (process.argv[2] ?? "").split("/");
const isOnDisk = /^W3|^W4-create|^W4-reload/.test(workload);
const durability: Durability = isOnDisk || variant === "durable" ? "durable" : "write-behind";
const databaseKind = isDatabaseKind(variant) ? variant : undefined;
const isEncrypted = variant === "encrypted" || databaseKind !== undefined;
const size = variant === "durable" || isEncrypted ? undefined : variant;
const storeName =
  databaseKind === undefined ? "SQLite, fsync before the reply" : DATABASE_DURABILITY[databaseKind];

const counter = actor("counter", {
  kind: "unnamed",
  durability,
  state: (): CounterState => (size === undefined ? { total: 0 } : stateOfSize(size)),
  actions: {
    add(context, { value }: { value: number }) {
      context.state.total += value;
      return { total: context.state.total };
    },
  },
});

const file = join(dataFolder("spawn-mesh"), "state.db");
const database = databaseKind === undefined ? undefined : await startDatabase(databaseKind);
const groups = new CountedGroups();
const encryption = { keys: { bench: randomBytes(32) } };

function createStatestore(): Statestore {
  if (database !== undefined) return groups.around(statestoreFromUrl(database.url));
  return isOnDisk ? sqliteStatestore({ file }) : memoryStatestore();
}

async function startSystem(): Promise<ActorSystem> {
  const statestore = createStatestore();
  const system = actorSystem("bench", {
    actors: [counter],
    statestore,
    ...(isEncrypted && { encryption }),
  });
  await system.start();
  return system;
}

async function run(system: ActorSystem): Promise<void> {
  const name = process.argv[2]!;
  const common = {
    peer: "spawn-mesh",
    workload: name,
    durability: isOnDisk
      ? `${storeName}, group commit${isEncrypted ? ", encrypted" : ""}`
      : `${durability}, in memory`,
    sampleEvery: isOnDisk ? 1 : SAMPLE_EVERY,
    ...(database !== undefined && {
      pids: [database.pid],
      more: async () => groups.ratios(await database.commits()),
    }),
  };
  const call = (id: string): Promise<unknown> => system.actor(counter, id).add({ value: 1 });
  switch (workload) {
    case "W1-seq":
    case "W1-pipe64":
    case "W3-seq":
    case "W3-hot64": {
      const hot = system.actor(counter, "hot");
      const inflight = workload.endsWith("64") ? 64 : 1;
      return measure({ ...common, inflight, actors: 1, op: () => hot.add({ value: 1 }) });
    }
    case "W2":
    case "W3-1k256": {
      const actors = workload === "W2" ? MEMORY_ACTORS : DURABLE_ACTORS;
      const pick = seededPick();
      const ids = Array.from({ length: actors }, (_, index) => `counter-${index}`);
      return measure({ ...common, inflight: 256, actors, op: () => call(ids[pick(actors)]!) });
    }
    case "W4-mem":
    case "W4-create": {
      const settleMs = workload === "W4-mem" ? SETTLE_MS : 0;
      const op = (index: number): Promise<unknown> => call(`cold-${index}`);
      return measure({
        ...common,
        inflight: 256,
        actors: COLD_ACTORS,
        once: COLD_ACTORS,
        settleMs,
        op,
      });
    }
    case "W4-reload":
      return measure({
        ...common,
        inflight: 256,
        actors: COLD_ACTORS,
        once: COLD_ACTORS,
        op: (index) => readBack(system, index),
      });
    default:
      throw new Error(`spawn-mesh has no workload ${name}`);
  }
}

async function readBack(system: ActorSystem, index: number): Promise<void> {
  const { total } = await system.actor(counter, `cold-${index}`).get();
  if (total !== 1) throw new Error(`cold-${index} came back with ${total} instead of 1`);
}

/** What W4-reload reads back, written by a system of its own. */
async function fill(): Promise<void> {
  await using system = await startSystem();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < COLD_ACTORS) await system.actor(counter, `cold-${next++}`).add({ value: 1 });
  };
  await Promise.all(Array.from({ length: 256 }, worker));
}

if (workload === "W4-reload") await fill();
const system = await startSystem();
await run(system);
await system.stop();
await database?.stop();
