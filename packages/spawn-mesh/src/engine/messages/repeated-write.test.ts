import { describe, expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import { FaultyStatestore } from "../../testing/faulty-statestore.ts";
import { seededRandom } from "../../testing/seeded-random.ts";
import { message } from "../../testing/statestore-cases/message-fixtures.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import type { SpawnError } from "../errors.ts";
import type { EngineEvent } from "../events.ts";
import { defaultLimits } from "../limits.ts";
import { repeatWrite, storeMessages } from "./repeated-write.ts";
import { StoreFailure } from "../statestore.ts";
import type { StoreFailureKind } from "../statestore.ts";

async function setUp() {
  const clock = new VirtualClock();
  const store = new FaultyStatestore(memoryStatestore());
  await store.open({ owner: "me" });
  const events: EngineEvent[] = [];
  const emit = (event: EngineEvent): void => void events.push(event);
  return { clock, store, events, random: seededRandom(1), limits: defaultLimits, emit };
}

/** Fails so often, then answers. */
function failing(times: number, kind: StoreFailureKind) {
  const calls = { count: 0 };
  const write = async (): Promise<string> => {
    if (++calls.count <= times) throw new StoreFailure(kind, "no");
    return "done";
  };
  return { calls, write };
}

/** How a write ends when time passes. */
async function outcomeOf(clock: VirtualClock, write: Promise<unknown>): Promise<string> {
  const outcome = write.then(
    (answer) => `answer ${String(answer)}`,
    ({ code, applied }: SpawnError) => `${code} ${applied}`,
  );
  await clock.advance(20_000);
  return await outcome;
}

describe("a write", () => {
  test.each(["retry", "ambiguous"] as const)("is repeated until it is done: %s", async (kind) => {
    const parts = await setUp();
    const { calls, write } = failing(3, kind);
    expect(await outcomeOf(parts.clock, repeatWrite(parts, write))).toBe("answer done");
    expect([calls.count, parts.events.length]).toEqual([4, 3]);
  });

  test.each(["fatal", "capacity"] as const)("is not repeated in vain: %s", async (kind) => {
    const parts = await setUp();
    const { calls, write } = failing(1, kind);
    const outcome = await outcomeOf(parts.clock, repeatWrite(parts, write));
    expect([outcome, calls.count]).toEqual(["STATESTORE_UNAVAILABLE no", 1]);
  });

  test("is given up after as long as a commit, and says what is certain", async () => {
    const certain = await setUp();
    const { write } = failing(Infinity, "retry");
    expect(await outcomeOf(certain.clock, repeatWrite(certain, write))).toBe(
      "STATESTORE_UNAVAILABLE no",
    );
    const doubtful = await setUp();
    let calls = 0;
    const lost = async (): Promise<void> => {
      throw new StoreFailure(++calls === 1 ? "ambiguous" : "retry", "no");
    };
    // One lost answer is enough: that time it may have been done.
    expect(await outcomeOf(doubtful.clock, repeatWrite(doubtful, lost))).toBe(
      "UNKNOWN_OUTCOME unknown",
    );
  });
});

describe("storing messages", () => {
  test("is not repeated when its answer is lost: the message may be done and gone", async () => {
    const parts = await setUp();
    const sent = message("a", { dueAt: parts.clock.wall() + 5_000 });
    parts.store.fail("messages", { isApplied: true });
    expect(await outcomeOf(parts.clock, storeMessages(parts, [sent]))).toBe(
      "UNKNOWN_OUTCOME unknown",
    );
    expect(await parts.store.messages.list({ limit: 10 })).toHaveLength(1);
  });

  test("is repeated when it certainly was not done", async () => {
    const parts = await setUp();
    parts.store.fail("messages", { kind: "retry" });
    const sent = message("a", { dueAt: parts.clock.wall() });
    expect(await outcomeOf(parts.clock, storeMessages(parts, [sent]))).toBe("answer undefined");
  });
});
