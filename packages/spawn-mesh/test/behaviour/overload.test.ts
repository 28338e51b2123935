/** Every queue is bounded: beyond its limit a call is refused at once, and nothing else suffers. */
import { describe, expect, test } from "vitest";
import { actor, read } from "spawn-mesh";
import { errorOf, failureOf, quiet, settled, startSystem } from "./start-system.ts";

let wake: () => void = () => undefined;

const busy = actor("busy", {
  kind: "unnamed",
  state: () => ({ n: 0 }),
  actions: {
    block: () => new Promise<void>((resolve) => (wake = resolve)),
    bump: (ctx) => ++ctx.state.n,
    take: (ctx, text: string) => (ctx.state.n += text.length),
    peek: read((ctx) => ctx.state.n),
  },
});

/** How many of the calls were answered, and the first refusal. */
async function outcomesOf(calls: readonly Promise<unknown>[]) {
  const outcomes = await Promise.allSettled(calls);
  const refused = outcomes.filter(({ status }) => status === "rejected");
  return {
    answered: outcomes.length - refused.length,
    codes: [
      ...new Set(refused.map((outcome) => (outcome as { reason: { code: string } }).reason.code)),
    ],
  };
}

describe("a full mailbox", () => {
  test("by length refuses what comes next, and loses nothing that was taken", async () => {
    const { system } = await startSystem([busy], { limits: { mailboxLengthMax: 5 } });
    const ref = system.actor(busy, "a");
    const blocked = ref.block();
    await settled();
    const calls = Array.from({ length: 8 }, () => quiet(ref.bump()));
    const error = await errorOf(ref.bump());
    expect(error).toMatchObject({ code: "OVERLOADED", applied: "no", retryable: true });
    expect(error.message).toContain("test/busy/a");
    expect(error.message).toContain("5");
    wake();
    await blocked;
    expect(await outcomesOf(calls)).toEqual({ answered: 5, codes: ["OVERLOADED"] });
    expect(await ref.bump()).toBe(6);
  });

  test("by memory refuses what comes next, and small calls still fit", async () => {
    const { system } = await startSystem([busy], { limits: { mailboxUnitsMax: 1_000 } });
    const ref = system.actor(busy, "a");
    const blocked = ref.block();
    await settled();
    const first = ref.take("x".repeat(900));
    expect(await failureOf(ref.take("y".repeat(200)))).toBe("OVERLOADED no");
    const small = ref.take("z");
    wake();
    await blocked;
    expect(await Promise.all([first, small])).toEqual([900, 901]);
  });

  test("of one actor leaves the others alone, a full system does not", async () => {
    const { system } = await startSystem([busy], { limits: { mailboxLengthMax: 3, queuedMax: 5 } });
    void ["a", "b"].map((name) => quiet(system.actor(busy, name).block()));
    const calls = Array.from({ length: 4 }, () => quiet(system.actor(busy, "a").bump()));
    const others = Array.from({ length: 4 }, () => quiet(system.actor(busy, "c").bump()));
    await settled();
    expect(await outcomesOf([...calls, ...others].filter((_, index) => index % 4 === 3))).toEqual({
      answered: 0,
      codes: ["OVERLOADED"],
    });
  });

  test("brings no actor to life for calls that it refuses", async () => {
    const { system, store, events, clock } = await startSystem([busy], {
      limits: { queuedMax: 10, loadRowsMax: 1 },
    });
    const calls = Array.from({ length: 1_000 }, (_, index) =>
      quiet(system.actor(busy, `b-${index}`).bump()),
    );
    await clock.advance(100);
    expect(await outcomesOf(calls)).toEqual({ answered: 10, codes: ["OVERLOADED"] });
    const activated = events.filter(({ type }) => type === "activated");
    expect([store.loadCount, activated.length]).toEqual([10, 10]);
  });

  test("says of a call with a key that it may have been applied before, and of others that they were not", async () => {
    const { system } = await startSystem([busy], { limits: { mailboxLengthMax: 1 } });
    const ref = system.actor(busy, "a");
    void quiet(ref.block());
    await settled();
    void quiet(ref.bump());
    expect(await failureOf(ref.bump(undefined, { idempotencyKey: "k" }))).toBe(
      "OVERLOADED unknown",
    );
    expect(await failureOf(ref.bump())).toBe("OVERLOADED no");
  });

  test("takes another call as soon as a signal takes one back", async () => {
    const { system } = await startSystem([busy], { limits: { mailboxLengthMax: 1 } });
    const ref = system.actor(busy, "a");
    const blocked = ref.block();
    await settled();
    const controller = new AbortController();
    const taken = failureOf(ref.bump(undefined, { signal: controller.signal }));
    expect(await failureOf(ref.bump())).toBe("OVERLOADED no");
    controller.abort();
    const next = ref.bump();
    wake();
    await blocked;
    expect([await taken, await next]).toEqual(["CANCELLED no", 1]);
  });

  test("takes calls again as soon as callers give up", async () => {
    const { system, clock } = await startSystem([busy], { limits: { mailboxLengthMax: 2 } });
    const ref = system.actor(busy, "a");
    const blocked = ref.block();
    await settled();
    const late = [1, 2].map(() => failureOf(ref.bump(undefined, { deadlineMs: 10 })));
    expect(await failureOf(ref.bump())).toBe("OVERLOADED no");
    await clock.advance(10);
    expect(await Promise.all(late)).toEqual(["DEADLINE_EXCEEDED no", "DEADLINE_EXCEEDED no"]);
    const next = ref.bump();
    wake();
    await blocked;
    expect(await next).toBe(1);
  });
});

describe("a queue that is too slow for a call", () => {
  async function slowQueue(ms: number) {
    const slow = actor("slow", {
      state: () => ({ n: 0 }),
      actions: {
        async work(ctx, forMs: number): Promise<number> {
          await new Promise<void>((resolve) => void started.clock.timer(forMs, resolve));
          return ++ctx.state.n;
        },
      },
    });
    const started = await startSystem([slow]);
    const ref = started.system.actor(slow);
    const work = (forMs: number, deadlineMs = 60_000) => quiet(ref.work(forMs, { deadlineMs }));
    const calls = Array.from({ length: 100 }, () => work(ms));
    return { ...started, work, calls };
  }

  test("refuses it at once, says how slow it is, and takes those that have time", async () => {
    const { clock, work, calls } = await slowQueue(10);
    await clock.advance(300);
    const error = await errorOf(work(10, 100));
    expect(error).toMatchObject({ code: "OVERLOADED", applied: "no", retryable: true });
    expect(error.message).toMatch(
      / 69 invocations waiting, which take about 690 ms; the call has 100 ms/,
    );
    const patient = work(10, 2_000);
    await clock.advance(3_000);
    expect(await outcomesOf(calls)).toEqual({ answered: 100, codes: [] });
    expect(await patient).toBe(101);
  });

  test("takes it as long as nothing is known of its pace", async () => {
    const { clock, work } = await slowQueue(10);
    const early = failureOf(work(10, 100));
    await clock.advance(120);
    expect(await early).toBe("DEADLINE_EXCEEDED no");
  });

  test("takes it when one long action holds up many short ones", async () => {
    const { clock, work, calls } = await slowQueue(1);
    await clock.advance(30);
    const long = work(2_000);
    const short = Array.from({ length: 100 }, () => work(1));
    await clock.advance(1_900);
    const late = work(1, 400);
    await clock.advance(400);
    expect(await outcomesOf([...calls, long, ...short, late])).toEqual({
      answered: 202,
      codes: [],
    });
  });

  test("takes it when it has become short", async () => {
    const { clock, work, calls } = await slowQueue(10);
    await clock.advance(950);
    const call = work(10, 100);
    await clock.advance(100);
    expect(await outcomesOf([...calls, call])).toEqual({ answered: 101, codes: [] });
  });
});

describe("while a commit takes its time", () => {
  test.each(["bump", "peek"] as const)(
    "%s calls run ahead up to their limit, then fill the mailbox, then are refused",
    async (action) => {
      const { system, store } = await startSystem([busy], {
        limits: { speculationMax: 10, mailboxLengthMax: 20 },
      });
      const ref = system.actor(busy, "a");
      await ref.bump();
      const hold = store.hold("commit");
      const first = ref.bump();
      await settled();
      const calls: Promise<unknown>[] = [];
      for (let round = 0; round < 10; round++) {
        for (let n = 0; n < 10; n++) calls.push(quiet(ref[action]()));
        await settled();
      }
      hold.release();
      expect(await first).toBe(2);
      expect(await outcomesOf(calls)).toEqual({ answered: 30, codes: ["OVERLOADED"] });
    },
  );

  test("calls that repeat one key are bounded like all others", async () => {
    const { system, store } = await startSystem([busy], { limits: { mailboxLengthMax: 10 } });
    const ref = system.actor(busy, "a");
    await ref.bump();
    const hold = store.hold("commit");
    const calls = Array.from({ length: 100 }, () => ref.bump(undefined, { idempotencyKey: "k" }));
    const counted = outcomesOf(calls);
    await settled();
    hold.release();
    expect((await counted).codes).toEqual(["OVERLOADED"]);
    expect((await counted).answered).toBeLessThanOrEqual(11);
    expect(await ref.peek()).toBe(2);
  });

  test("those that stand aside for a key come back, however full the mailbox is by then", async () => {
    const { system, store } = await startSystem([busy], {
      limits: { mailboxLengthMax: 4, speculationMax: 1 },
    });
    const ref = system.actor(busy, "a");
    await ref.bump();
    const hold = store.hold("commit");
    const keyed = [1, 2].map(() => ref.bump(undefined, { idempotencyKey: "k" }));
    await settled();
    const others = Array.from({ length: 10 }, () => ref.bump());
    const counted = outcomesOf(others);
    await settled();
    hold.release();
    expect(await Promise.all(keyed)).toEqual([2, 2]);
    expect((await counted).answered).toBeGreaterThan(0);
    expect(await ref.bump()).toBe(3 + (await counted).answered);
  });
});

describe("what actors without a state have being stored", () => {
  test("is bounded: their mailboxes fill, and then they refuse", async () => {
    const relay = actor("relay", {
      actions: {
        pass(ctx) {
          ctx.effect(busy, "a").bump();
          return "passed";
        },
      },
    });
    const { system, store, clock } = await startSystem([busy, relay], {
      limits: { speculationMax: 10, mailboxLengthMax: 5, commitsInFlightMax: 10 },
    });
    const hold = store.hold("messages");
    const calls: Promise<unknown>[] = [];
    for (let call = 0; call < 40; call++) {
      calls.push(quiet(system.actor(relay).pass()));
      await settled();
    }
    expect(hold.waiting).toBe(10);
    hold.release();
    expect(await outcomesOf(calls)).toEqual({ answered: 15, codes: ["OVERLOADED"] });
    await clock.advance(5_000);
    expect(await system.actor(busy, "a").bump()).toBe(16);
  });
});

describe("calls in a loop without await", () => {
  test("100 000 of them: what fits is answered, the rest is refused, the system goes on", async () => {
    const { system } = await startSystem([busy]);
    const ref = system.actor(busy, "a");
    const calls = Array.from({ length: 100_000 }, () => ref.bump());
    expect(await outcomesOf(calls)).toEqual({ answered: 1_000, codes: ["OVERLOADED"] });
    expect(await ref.bump()).toBe(1_001);
  });

  test("inside an action do no more harm than outside", async () => {
    const looping = actor("looping", {
      actions: {
        async flood(ctx): Promise<unknown> {
          const ref = ctx.actor(busy, "a");
          return await outcomesOf(Array.from({ length: 20_000 }, () => ref.bump()));
        },
      },
    });
    const { system } = await startSystem([busy, looping]);
    expect(await system.actor(looping).flood()).toEqual({ answered: 1_000, codes: ["OVERLOADED"] });
    expect(await system.actor(busy, "a").bump()).toBe(1_001);
  });
});
