import { describe, expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import { FaultyStatestore } from "../../testing/faulty-statestore.ts";
import { firstCommit } from "../../testing/statestore-cases/commit-fixtures.ts";
import { seededRandom } from "../../testing/seeded-random.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import type { ActorDefinition } from "../actor-definition.ts";
import type { ActorId } from "../actor-id.ts";
import { CommitPipeline } from "./commit-pipeline.ts";
import { CommitWriter } from "./commit-writer.ts";
import { SpawnError } from "../errors.ts";
import { Invocation } from "../calls/invocation.ts";
import { defaultLimits } from "../limits.ts";
import type { Limits } from "../limits.ts";
import { Loader } from "../activations/loader.ts";
import { Outbox } from "../messages/outbox.ts";
import { noCronTimes } from "../messages/repetition.ts";
import { jsonCodec } from "../state-codec.ts";
import { Watch } from "../time/watch.ts";

const definition: ActorDefinition = {
  name: "d",
  kind: "unnamed",
  state: { version: 1, codec: jsonCodec, initial: () => 0, migrate: (stored) => stored },
  durability: "durable",
  deactivateTimeoutMs: 1_000,
  snapshotTimeoutMs: 1_000,
  revisionsKept: 0,
  init: undefined,
  actions: new Map(),
  channels: new Map(),
  timers: [],
  isStrict: false,
};

async function writerOn(limits: Partial<Limits> = {}) {
  const store = new FaultyStatestore(memoryStatestore());
  await store.open({ owner: "me" });
  const clock = new VirtualClock();
  const log: string[] = [];
  const parts = {
    store,
    clock,
    random: seededRandom(1),
    emit: () => undefined,
    limits: { ...defaultLimits, ...limits },
  };
  const outbox = new Outbox({
    ...parts,
    system: "s",
    watch: new Watch(clock),
    loader: new Loader(parts),
    cronTimes: noCronTimes,
    deliver: () => undefined,
  });
  const writer = new CommitWriter({ ...parts, owner: "me", outbox });
  return {
    store,
    clock,
    log,
    writer,
    pipeline: (name: string) => new NotingPipeline(name, writer, log),
  };
}

/** A pipeline that only notes what becomes of its commits. */
class NotingPipeline extends CommitPipeline {
  readonly id: ActorId;
  readonly definition = definition;
  declare readonly parts: never;
  protected readonly writer: CommitWriter;
  readonly #log: string[];

  constructor(name: string, writer: CommitWriter, log: string[]) {
    super();
    this.id = { system: "s", definition: "d", name };
    this.writer = writer;
    this.#log = log;
    this.beginAt(undefined, "0", undefined);
  }

  #note(what: string): void {
    this.#log.push(`${this.id.name} ${what}`);
  }

  protected afterCommit(): void {
    this.#note("committed");
  }

  protected rolledBack(again: readonly Invocation[]): void {
    this.#note(`rolled back, ${again.length} again`);
  }

  protected fenced(again: readonly Invocation[]): void {
    this.#note(`fenced, ${again.length} again`);
  }

  protected flushFailed(): void {
    this.#note("flush failed");
  }

  protected tailLost(): void {
    this.#note("tail lost");
  }
}

function change(pipeline: CommitPipeline, bytes: string): string[] {
  const told: string[] = [];
  const action = { name: "act", isRead: false, parse: undefined, run: () => undefined };
  const invocation = new Invocation(
    { action, payload: undefined, units: 0, deadlineAt: Infinity, details: undefined },
    {
      resolve: (reply) => told.push(`reply ${String(reply)}`),
      reject: ({ code, applied }) => told.push(`${code} ${applied}`),
    },
  );
  const stored = {
    bytes,
    tags: undefined,
    isDelete: false,
    stored: undefined,
    cancels: [],
    sends: [],
    message: undefined,
    step: undefined,
  };
  pipeline.addChange({ invocation, reply: bytes, units: 1, change: stored, now: 0 });
  return told;
}

describe("a commit writer", () => {
  test("sends what is ready together, up to its limits", async () => {
    const { store, clock, pipeline } = await writerOn({ commitRowsMax: 4 });
    const told = Array.from({ length: 10 }, (_, index) => change(pipeline(`${index}`), "1"));
    expect(store.groups).toEqual([]);
    await clock.advance(0);
    expect(store.groups.map((group) => group.length)).toEqual([4, 4, 2]);
    expect(told.flat()).toEqual(Array.from({ length: 10 }, () => "reply 1"));
  });

  test("takes large states in groups of their own", async () => {
    const { store, clock, pipeline } = await writerOn({ commitUnitsMax: 1_000 });
    for (const name of ["a", "b", "c"]) change(pipeline(name), `"${"x".repeat(1_000)}"`);
    await clock.advance(0);
    expect(store.groups.map((group) => group.length)).toEqual([1, 1, 1]);
  });

  test("has no more commits in flight than its limit, and one an actor", async () => {
    const { store, clock, pipeline } = await writerOn({ commitsInFlightMax: 2, commitRowsMax: 1 });
    const hold = store.hold("commit");
    const pipelines = ["a", "b", "c"].map(pipeline);
    for (const each of pipelines) change(each, "1");
    await clock.advance(0);
    for (const each of pipelines) change(each, "2");
    await clock.advance(0);
    expect(store.groups).toHaveLength(2);
    hold.release();
    await clock.advance(0);
    expect(
      store.commits.map((sent) => `${sent.actor.name} ${String(sent.state as string)}`),
    ).toEqual(["a 1", "b 1", "c 2", "a 2", "b 2"]);
  });

  test("gives back what ran on top of a commit that failed, and answers it with nothing", async () => {
    const { store, clock, pipeline, log } = await writerOn();
    const a = pipeline("a");
    const hold = store.hold("commit");
    store.fail("commit", { kind: "capacity" });
    const first = change(a, "1");
    await clock.advance(0);
    const onTop = [change(a, "2"), change(a, "3")];
    hold.release();
    await clock.advance(0);
    expect([first, ...onTop]).toEqual([["STATESTORE_UNAVAILABLE no"], [], []]);
    expect([log, a.bytes]).toEqual([["a rolled back, 2 again"], "0"]);
  });

  test.each([true, false])(
    "repeats the very same commits when an answer was lost (applied: %s)",
    async (isApplied) => {
      const { store, clock, pipeline, log } = await writerOn();
      const a = pipeline("a");
      store.fail("commit", { kind: "ambiguous", isApplied });
      const told = change(a, "1");
      await clock.advance(1_000);
      expect([told, log]).toEqual([["reply 1"], ["a committed"]]);
      const [first, second] = store.groups;
      expect(second).toEqual(first);
    },
  );

  test("never says no of a commit whose answer was lost, whatever fails afterwards", async () => {
    const { store, clock, pipeline } = await writerOn();
    store.fail("commit", { kind: "ambiguous", isApplied: true });
    const told = change(pipeline("a"), "1");
    await clock.advance(1);
    store.fail("commit", { kind: "capacity", times: Infinity });
    await clock.advance(60_000);
    expect(told).toEqual(["UNKNOWN_OUTCOME unknown"]);
  });

  test("answers everybody when a statestore refuses rows and does not say which", async () => {
    const { store, clock, pipeline } = await writerOn();
    store.fail("commit", { kind: "rows", rows: [] });
    const told = [change(pipeline("a"), "1"), change(pipeline("b"), "1")];
    await clock.advance(1_000);
    expect(told).toEqual([["STATESTORE_UNAVAILABLE no"], ["STATESTORE_UNAVAILABLE no"]]);
  });

  test("learns what became of those that were refused beside one whose row cannot be read", async () => {
    const { store, clock, pipeline, log } = await writerOn({ commitsInFlightMax: 1 });
    const [a, b] = [pipeline("a"), pipeline("b")];
    await store.open({ owner: "another" });
    await store.commit([firstCommit(a.id), firstCommit(b.id)]);
    await store.open({ owner: "me" });
    const load = store.load.bind(store);
    store.load = async (queries) => {
      if (queries.some(({ actor }) => actor.name === "a"))
        throw new SpawnError("STATE_CORRUPT", "the row of a is damaged");
      return await load(queries);
    };
    const told = [change(a, "1"), change(b, "1")];
    await clock.advance(0);
    expect(told).toEqual([["UNKNOWN_OUTCOME unknown"], []]);
    expect(log).toEqual(["a fenced, 0 again", "b fenced, 1 again"]);
    // Nothing is under way any more: who comes next has a way to the statestore.
    const next = change(pipeline("c"), "1");
    await clock.advance(0);
    expect(next).toEqual(["reply 1"]);
  });

  test("sends and answers nothing more after a crash", async () => {
    const { store, clock, pipeline, writer, log } = await writerOn();
    const hold = store.hold("commit");
    const told = change(pipeline("a"), "1");
    await clock.advance(0);
    const late = change(pipeline("b"), "1");
    writer.abandon();
    hold.release();
    await clock.advance(60_000);
    expect([told, late, log, store.groups.length]).toEqual([[], [], [], 1]);
  });
});
