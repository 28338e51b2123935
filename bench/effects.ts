/**
 * The workloads with messages, durable on SQLite. Each is measured until the last message is consumed,
 * and at the end the actors are counted: every message has to be in the state of its target once.
 *
 * usage: node --expose-gc --conditions=@spawn-mesh/source bench/effects.ts WORKLOAD
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { actor, actorSystem } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { dataFolder } from "./harness/data-folder.ts";
import { measure, seededPick } from "./harness/measure.ts";

const ACTORS = 1_000;
const LEFT_STEP_MS = 5;

const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ total: 0, received: 0 }),
  actions: {
    /** Sends one effect to each of `to`. */
    tell(context, { value, to }: { value: number; to: readonly string[] }) {
      context.state.total += value;
      for (const name of to) context.effect(counter, name).take({ value });
      return { total: context.state.total };
    },
    /** Lets `to` answer. */
    hand(context, { value, to }: { value: number; to: string }) {
      context.state.total += value;
      context.pipe(counter, to, "take");
      return { value };
    },
    take(context, { value }: { value: number }): { readonly received: number } {
      context.state.received += value;
      return { received: context.state.received };
    },
  },
});

const ids = Array.from({ length: ACTORS }, (_, index) => `counter-${index}`);
const pick = seededPick();
const anyone = (): string => ids[pick(ACTORS)]!;

const workloads: Readonly<Record<string, { readonly inflight: number; readonly sends: number }>> = {
  "effects/one": { inflight: 256, sends: 1 },
  // As many messages on their way as with one each, and some.
  "effects/burst100": { inflight: 4, sends: 100 },
  "effects/pipe": { inflight: 256, sends: 1 },
};

function call(system: ActorSystem, workload: string, sends: number): Promise<unknown> {
  const caller = system.actor(counter, anyone());
  if (workload === "effects/pipe") return caller.hand({ value: 1, to: anyone() });
  return caller.tell({ value: 1, to: Array.from({ length: sends }, anyone) });
}

/** A message that was consumed is not stored any more. */
async function untilConsumed(system: ActorSystem): Promise<void> {
  while ((await system.messages.list({ limit: 1 })).length > 0) await sleep(LEFT_STEP_MS);
}

async function checkCounts(system: ActorSystem, calls: number, sends: number): Promise<void> {
  const states = await Promise.all(ids.map((id) => system.actor(counter, id).get()));
  const total = states.reduce((sum, state) => sum + state.total, 0);
  const received = states.reduce((sum, state) => sum + state.received, 0);
  if (total !== calls || received !== calls * sends)
    throw new Error(`${calls} calls with ${sends} messages each became ${total} and ${received}`);
}

const name = process.argv[2] ?? "";
const workload = workloads[name];
if (workload === undefined) throw new Error(`effects has no workload ${name}`);
const { inflight, sends } = workload;
const file = join(dataFolder("effects"), "state.db");
const system = actorSystem("bench", { actors: [counter], statestore: sqliteStatestore({ file }) });
await system.start();
let calls = 0;
await measure({
  peer: "spawn-mesh",
  workload: name,
  durability: "SQLite, fsync before the reply, group commit",
  inflight,
  actors: ACTORS,
  opsPerCall: 1 + sends,
  op: () => {
    calls++;
    return call(system, name, sends);
  },
  untilDone: () => untilConsumed(system),
});
await checkCounts(system, calls, sends);
await system.stop();
