/**
 * One process of `bin/bench schedules`: a system on a file in which calls wait.
 *
 * usage: node --expose-gc --conditions=@spawn-mesh/source bench/schedules-run.ts MEASURED FILE WAITING
 */
import { setTimeout as sleep } from "node:timers/promises";
import { actor, actorSystem } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { quiet } from "./harness/processes.ts";
import type { ScheduleLine } from "./schedules.ts";

const FIRED = 3_000;
/** They are planned from a while after the start on, spread over this time; each is stored by itself before. */
const FIRED_OVER_MS = 10_000;
const FIRST_AFTER_MS = 10_000;
const SETTLE_MS = 3_000;
const QUIET_MS = 3_000;
const MIB = 2 ** 20;
const STEP_MS = 5;

/** How late each action ran. */
const late: number[] = [];

const clock = actor("clock", {
  kind: "unnamed",
  state: () => ({ strikes: 0 }),
  actions: {
    strike(context, { plannedAt }: { plannedAt?: number }) {
      context.state.strikes++;
      if (plannedAt !== undefined)
        late.push(performance.timeOrigin + performance.now() - plannedAt);
    },
  },
});

async function start(file: string): Promise<ActorSystem> {
  const system = actorSystem("bench", { actors: [clock], statestore: sqliteStatestore({ file }) });
  await system.start();
  await system.actor(clock, "first").strike({});
  return system;
}

function memory(): Pick<ScheduleLine, "heapMib" | "rssMib"> {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapMib: (heapUsed + external) / MIB, rssMib: rss / MIB };
}

async function firing(system: ActorSystem): Promise<Partial<ScheduleLine>> {
  const firstAt = Date.now() + FIRST_AFTER_MS;
  const sends = Array.from({ length: FIRED }, (_, index) => {
    const plannedAt = firstAt + Math.round(index * (FIRED_OVER_MS / FIRED));
    const target = system.effect(clock, `clock-${index % 1_000}`);
    return target.strike({ plannedAt }, { scheduledTo: plannedAt });
  });
  await Promise.all(sends);
  if (Date.now() > firstAt) throw new Error("the first were due before the last were stored");
  while (late.length < FIRED) await sleep(STEP_MS);
  const sorted = late.toSorted((a, b) => a - b);
  const at = (fraction: number): number => sorted[Math.ceil(sorted.length * fraction) - 1]!;
  return { lateP50Ms: at(0.5), lateP99Ms: at(0.99), lateMaxMs: at(1) };
}

/** Until all that was due at the start is consumed. */
async function backlog(system: ActorSystem, startedAt: number): Promise<Partial<ScheduleLine>> {
  const all = (await system.messages.list({ limit: 1 })).length;
  if (all === 0) throw new Error("nothing was due");
  let strikes = 0;
  const isDue = async (): Promise<boolean> => {
    const [first] = await system.messages.list({ limit: 1 });
    return first !== undefined && first.dueAt < Date.now() + 600_000;
  };
  while (await isDue()) await sleep(STEP_MS);
  const seconds = (performance.now() - startedAt) / 1_000;
  for (let index = 0; index < 1_000; index++)
    strikes += (await system.actor(clock, `clock-${index}`).get()).strikes;
  return { perSecond: Math.round(strikes / seconds) };
}

const [measured, file, waiting] = process.argv.slice(2) as [
  ScheduleLine["measured"],
  string,
  string,
];
await quiet(QUIET_MS);
const startedAt = performance.now();
const system = await start(file);
const startMs = performance.now() - startedAt;
let found: Partial<ScheduleLine> = {};
if (measured === "backlog") found = await backlog(system, startedAt);
if (measured === "firing") found = await firing(system);
if (measured === "start") await sleep(SETTLE_MS);
const line: ScheduleLine = { measured, waiting: Number(waiting), startMs, ...memory(), ...found };
process.stdout.write(`${JSON.stringify(line)}\n`);
await system.stop();
