/**
 * The deterministic simulation: the real engine over a database and clients that are not.
 *
 * A seed decides everything. First clients work while faults happen, then all faults end, and then
 * everything must come to rest: every call answered, every queue empty, every actor out of memory.
 * What happened meanwhile is judged by the checkers, from the outside.
 */
import { defaultLimits } from "../../src/engine/limits.ts";
import type { Commit } from "../../src/engine/statestore.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";
import { checkRun } from "./checkers/all.ts";
import { checkFound } from "./checkers/found.ts";
import { checkStored } from "./checkers/stored.ts";
import { Choices } from "./choices.ts";
import { Client, foreignActors } from "./clients.ts";
import { Database } from "./database.ts";
import { Fleet } from "./disaster.ts";
import type { Surroundings } from "./incarnation.ts";
import { reindexOnce } from "./indexers.ts";
import { letPeopleIn } from "./people.ts";
import { itemOfMessage } from "./posts.ts";
import { drawProfile } from "./profile.ts";
import type { Profile } from "./profile.ts";
import type { ActorRole, RunLog, Violation } from "./run-log.ts";
import { visitFleeting } from "./visitors.ts";
import { World } from "./world.ts";

export interface RunReport {
  readonly seed: number;
  readonly profile: Profile;
  readonly violations: readonly Violation[];
  readonly counts: ReadonlyMap<string, number>;
  readonly trace: readonly string[];
  readonly traceHash: string;
}

/** Where the stream of choices begins that are drawn apart from the others. */
const APART = 2 ** 31 - 1;
/** Virtual time after the faults in which everything has to come to rest. */
const REST_MS_MAX = 900_000;
const REST_STEP_MS = 250;
/** For how long repeated messages go on after the faults. */
const REPEATING_MS = 3_000;
/** Time in which everything is encrypted anew when nobody works, and looked at for what has expired. */
const LAST_CARE_MS = 65_000;
/** How late a repeated message may be then. */
const LATE_MS = 1_000;
/** The definitions of all actors. */
const roles: readonly ActorRole[] = [
  "list",
  "deletable",
  "fleeting",
  "write-behind",
  "foreign",
  "post",
  "post-behind",
  "post-stateless",
  "post-mortal",
];
/** A run that needs more events than this does not end by itself. */
const EVENTS_MAX = 200_000;

/** Runs one seed. */
export async function simulate(seed: number): Promise<RunReport> {
  const world = new World(seed);
  const apart = new Choices(seededRandom(APART - seed));
  const profile = drawProfile(world.choices, defaultLimits, apart);
  const database = new Database(world, profile);
  const around: Surroundings = { world, profile, database };
  await database.prepare();
  await plantForeignRows(database);
  const fleet = new Fleet(around);
  fleet.start();
  const parts = { ...around, alive: () => fleet.alive };
  const { quietMs, activeMs } = profile;
  const until = quietMs + activeMs;
  if (quietMs > 0) {
    visitFleeting(parts, apart, until);
    await run(world, fleet, quietMs);
  }
  const clients = Array.from(
    { length: profile.clients },
    (_, index) => new Client(`c${index + 1}`, parts),
  );
  for (const client of clients) void client.work(until);
  fleet.schedule(until);
  void world.clock.timer(activeMs / 3, () => void database.changeKey());
  letPeopleIn(parts, seed, until);

  await run(world, fleet, until);
  heal(around, fleet);
  const leftOver = await rest(around, fleet);
  const restedAt = world.wall();
  const foundWrongly = [
    ...(await checkFound(world, database, false)),
    ...(await checkStored(world, database)),
  ];
  let isKeyChanged = false;
  void database.changeKey().then((isChanged) => (isKeyChanged = isChanged));
  for (const incarnation of fleet.alive.slice(0, 1))
    void reindexOnce(world, "deletable", incarnation);
  await run(world, fleet, world.clock.monotonic() + LAST_CARE_MS);
  foundWrongly.push(...(await checkFound(world, database, true)));
  foundWrongly.push(...(await checkStored(world, database)));
  const { operations, attempts, applied, sessions, sightings, unloaded, pauses, peaks } = world;
  const { messages, runs, asked, cancelled, acknowledged, outside, setBacks, purged, restored } =
    world;
  const log: RunLog = {
    operations,
    attempts,
    applied,
    sessions,
    sightings,
    unloaded,
    pauses,
    messages,
    runs,
    asked,
    cancelled,
    acknowledged,
    outside,
    setBacks,
    purged,
    restored,
    looks: world.looks,
    recollections: world.recollections,
    revisionsKeptMs: profile.revisionsKeptMs ?? 0,
    snapshotTimeoutMs: profile.snapshotTimeoutMs,
    expireAfterMs: profile.expireAfterMs ?? Infinity,
    isCalm: profile.isCalm,
    peaks,
    leftOver: [
      ...leftOver,
      ...overdue(around, restedAt),
      ...(isKeyChanged ? [] : ["something is encrypted with the old key"]),
    ],
    isExclusive: profile.isExclusive,
    writeBehindBoundMs: profile.snapshotTimeoutMs + profile.limits.flushMaxMs,
  };
  world.count("operations", world.operations.length);
  world.count("commits", world.applied.length);
  return {
    seed,
    profile,
    violations: [...world.violations, ...foundWrongly, ...checkRun(log)],
    counts: world.counts,
    trace: world.trace,
    traceHash: world.traceHash,
  };
}

/** Runs all events up to that time. */
async function run(world: World, fleet: Fleet, until: number): Promise<void> {
  const { clock } = world;
  await promisesSettled();
  for (let events = 0; (clock.nextAt ?? Infinity) <= until; events++) {
    if (events > EVENTS_MAX) throw new Error("the simulation does not come to an end");
    fleet.beforeEvent();
    clock.step();
    await promisesSettled();
    fleet.afterEvent();
  }
}

function heal({ world, database }: Surroundings, fleet: Fleet): void {
  database.isHealed = true;
  database.outageUntil = database.diskFullUntil = database.slowUntil = 0;
  fleet.heal();
  world.note("healed");
}

/** Waits until nothing happens any more, and tells what has not come to rest. */
async function rest(around: Surroundings, fleet: Fleet): Promise<readonly string[]> {
  const { world, database } = around;
  const from = world.clock.monotonic();
  let left: readonly string[] = ["nothing was awaited"];
  for (let elapsedMs = 0; elapsedMs <= REST_MS_MAX; elapsedMs += REST_STEP_MS) {
    await run(world, fleet, from + elapsedMs);
    left = [
      ...world.operations
        .filter(({ outcome }) => outcome === undefined)
        .map(({ kind, actor, value }) => `${kind} ${actor} ${value ?? ""} has no outcome`),
      ...fleet.living.flatMap(({ label, engine }) =>
        roles
          .map((name) => engine.type(name).liveCount)
          .filter((count) => count > 0)
          .map((count) => `${label} has ${count} actors in memory`),
      ),
      ...messagesLeft(around),
      ...(database.underWay > 0 ? [`${database.underWay} requests under way`] : []),
      ...(fleet.isSettled ? [] : ["an incarnation is starting or stopping"]),
    ];
    if (left.length === 0) break;
    if (elapsedMs >= REPEATING_MS) await endWaiting(around);
  }
  return left;
}

/** What waits to be delivered. A repeated message never ends by itself, but it must not be late. */
function messagesLeft({ world, database }: Surroundings): readonly string[] {
  const wall = world.wall();
  return database.waiting.map((message) => {
    const { repeat } = message.headers;
    const isLate = repeat !== undefined && repeat.plannedAt < wall - LATE_MS;
    return `message ${itemOfMessage(message)} to ${message.target.name} ${isLate ? "is late" : "waits"}`;
  });
}

/** Cancels what is repeated, if all of it comes when it should. */
async function endWaiting({ world, database }: Surroundings): Promise<void> {
  const wall = world.wall();
  const repeated = database.waiting.filter(({ headers }) => headers.repeat !== undefined);
  const isOrderly = repeated.every(({ headers }) => headers.repeat!.plannedAt >= wall - LATE_MS);
  if (!isOrderly) return;
  const ids = repeated.map(({ id }) => id);
  for (const id of ids) world.cancelled.add(id);
  await database.messagesAtHand.remove(ids);
}

/** Fleeting actors whose time was over at `wall`, and are still there much later. */
function overdue({ world, profile }: Surroundings, wall: number): readonly string[] {
  const { expireAfterMs = Infinity } = profile;
  // What was committed then lives until that time has come again.
  if (world.setBacks.length > 0) return [];
  const last = new Map(world.applied.map((entry) => [entry.actor, entry]));
  return [...last.values()]
    .filter(({ role, commit }) => role === "fleeting" && !commit.isDelete)
    .filter(({ commit }) => commit.at < wall - expireAfterMs)
    .map(({ actor }) => `${actor} has not expired`);
}

async function plantForeignRows(database: Database): Promise<void> {
  const [newer, protobuf, damaged] = foreignActors;
  const base = {
    handle: undefined,
    previous: undefined,
    revision: 1,
    state: '{"items":[]}',
    codec: "json",
    stateVersion: 1,
    tags: undefined,
    at: 0,
    isDelete: false,
    revisionsKept: 0,
    replies: [],
    consumes: [],
    cancels: [],
    sends: [],
  } as const satisfies Partial<Commit>;
  const plant = async (name: string, changes: object): Promise<void> => {
    const actor = { system: "simulation", definition: "foreign", name };
    await database.plant({ ...base, actor, etag: name.padEnd(16), ...changes });
  };
  await plant(newer, { stateVersion: 2 });
  await plant(protobuf, { codec: "protobuf" });
  await plant(damaged, { state: '{"items":[' });
}

/**
 * Resolves when every promise that can go on without an event has done so: Node empties the queue of
 * promises before it comes to the next tick. Ten times cheaper than a turn of the event loop.
 */
function promisesSettled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
