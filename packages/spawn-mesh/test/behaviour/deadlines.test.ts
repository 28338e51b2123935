/** Deadlines and signals: what a caller is told who waits no longer, in each phase of its call. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { errorOf, failureOf, settled, startSystem, watched } from "./start-system.ts";

interface Late {
  readonly ctx: { state: { n: number }; signal: AbortSignal; invoke: (...args: never) => unknown };
  readonly finish: () => void;
}

const running: Late[] = [];

const worker = actor("worker", {
  state: () => ({ n: 0 }),
  actions: {
    bump: (ctx) => ++ctx.state.n,
    async work(ctx) {
      ctx.state.n += 10;
      const { signal } = ctx;
      await new Promise<void>((finish) => running.push({ ctx: ctx as never, finish }));
      ctx.state.n += 10;
      return signal.aborted;
    },
    async polite(ctx) {
      ctx.state.n += 10;
      await new Promise<void>((_, reject) => {
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error));
      });
    },
    never: () => new Promise<void>(() => undefined),
  },
});

async function started(options: Parameters<typeof startSystem>[1] = {}) {
  running.length = 0;
  const life = await startSystem([worker], options);
  return { ...life, ref: life.system.actor(worker) };
}

describe("a deadline that passes", () => {
  test("before the action has run ends the call, and the action never runs", async () => {
    const { ref, clock } = await started();
    const first = ref.work();
    await settled();
    const late = errorOf(ref.bump(undefined, { deadlineMs: 20 }));
    await clock.advance(20);
    expect(await late).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      applied: "no",
      retryable: true,
    });
    running[0]!.finish();
    expect(await first).toBe(false);
    expect(await ref.get()).toEqual({ n: 20 });
  });

  test("while the actor is loaded ends the call", async () => {
    const { ref, clock, store } = await started();
    const hold = store.hold("load");
    const late = failureOf(ref.bump(undefined, { deadlineMs: 20 }));
    await clock.advance(20);
    expect(await late).toBe("DEADLINE_EXCEEDED no");
    hold.release();
    expect(await ref.bump()).toBe(1);
  });

  test("during the run discards the result, and the signal says so to the action", async () => {
    const { ref, clock } = await started();
    const late = failureOf(ref.work(undefined, { deadlineMs: 20 }));
    await settled();
    const { signal } = running[0]!.ctx;
    expect(signal.aborted).toBe(false);
    await clock.advance(20);
    expect(await late).toBe("DEADLINE_EXCEEDED no");
    expect([signal.aborted, (signal.reason as { code: string }).code]).toEqual([
      true,
      "DEADLINE_EXCEEDED",
    ]);
    running[0]!.finish();
    expect(await ref.get()).toEqual({ n: 0 });
  });

  test("lets an action that heeds the signal end at once, and the actor goes on", async () => {
    const { ref, clock } = await started();
    const late = failureOf(ref.polite(undefined, { deadlineMs: 20 }));
    const next = watched(ref.bump());
    await clock.advance(19);
    expect(next.isSettled).toBe(false);
    await clock.advance(1);
    expect([await late, await next.promise]).toEqual(["DEADLINE_EXCEEDED no", 1]);
  });

  test("by more than the grace abandons the run: what waits goes on, the run changes nothing", async () => {
    const { ref, clock, events } = await started({ limits: { actionGraceMs: 500 } });
    const late = failureOf(ref.work(undefined, { deadlineMs: 20 }));
    const next = watched(ref.bump());
    await clock.advance(519);
    expect([await late, next.isSettled]).toEqual(["DEADLINE_EXCEEDED no", false]);
    await clock.advance(1);
    expect(await next.promise).toBe(1);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "run-abandoned", action: "work" }),
    );
    running[0]!.finish();
    await settled();
    expect(await ref.bump()).toBe(2);
  });

  test("after the hand-over to a commit leaves the outcome unknown, and it may well be applied", async () => {
    const { ref, clock, store } = await started();
    await ref.bump();
    const hold = store.hold("commit");
    const late = errorOf(ref.bump(undefined, { deadlineMs: 20 }));
    await settled();
    await clock.advance(20);
    expect(await late).toMatchObject({ code: "UNKNOWN_OUTCOME", applied: "unknown" });
    hold.release();
    expect(await ref.get()).toEqual({ n: 2 });
  });

  test("of a read that waits for a commit says that nothing was applied", async () => {
    const { ref, clock, store } = await started();
    await ref.bump();
    const hold = store.hold("commit");
    const write = ref.bump();
    const late = failureOf(ref.get(undefined, { deadlineMs: 20 }));
    await settled();
    await clock.advance(20);
    expect(await late).toBe("DEADLINE_EXCEEDED no");
    hold.release();
    expect(await write).toBe(2);
  });

  test("is 60 s when nothing is said", async () => {
    const { ref, clock } = await started();
    const call = watched(failureOf(ref.never()));
    await clock.advance(59_999);
    expect(call.isSettled).toBe(false);
    await clock.advance(1);
    expect(await call.promise).toBe("DEADLINE_EXCEEDED no");
  });
});

describe("a signal that aborts", () => {
  test("before the call refuses it", async () => {
    const { ref } = await started();
    const error = await errorOf(ref.bump(undefined, { signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ code: "CANCELLED", applied: "no" });
    expect(await ref.get()).toEqual({ n: 0 });
  });

  test("while the call waits takes it out of the mailbox", async () => {
    const { ref } = await started();
    const controller = new AbortController();
    const first = ref.work();
    await settled();
    const cancelled = failureOf(ref.bump(undefined, { signal: controller.signal }));
    const after = ref.bump();
    controller.abort();
    expect(await cancelled).toBe("CANCELLED no");
    running[0]!.finish();
    await first;
    expect(await after).toBe(21);
  });

  test("during the run discards the result and reaches the action", async () => {
    const { ref } = await started();
    const controller = new AbortController();
    const cancelled = failureOf(ref.polite(undefined, { signal: controller.signal }));
    await settled();
    controller.abort();
    expect(await cancelled).toBe("CANCELLED no");
    expect(await ref.get()).toEqual({ n: 0 });
  });

  test("after the hand-over leaves the outcome unknown", async () => {
    const { ref, store } = await started();
    await ref.bump();
    const hold = store.hold("commit");
    const controller = new AbortController();
    const cancelled = failureOf(ref.bump(undefined, { signal: controller.signal }));
    await settled();
    controller.abort();
    expect(await cancelled).toBe("UNKNOWN_OUTCOME unknown");
    hold.release();
    expect(await ref.get()).toEqual({ n: 2 });
  });

  test("after the answer changes nothing, and a signal may serve any number of calls", async () => {
    const { ref } = await started();
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on("warning", onWarning);
    const controller = new AbortController();
    const { signal } = controller;
    await Promise.all(Array.from({ length: 100 }, () => ref.bump(undefined, { signal })));
    controller.abort();
    await settled();
    process.off("warning", onWarning);
    expect([await ref.get(), warnings]).toEqual([{ n: 100 }, []]);
  });
});
