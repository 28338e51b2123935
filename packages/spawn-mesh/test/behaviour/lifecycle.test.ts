/** The beginning and the end of a system. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { counter } from "./counter.ts";
import { errorOf, failureOf, makeSystem, settled, startSystem, watched } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

let wake: () => void = () => undefined;

const worker = actor("worker", {
  kind: "unnamed",
  state: () => ({ n: 0 }),
  actions: {
    async work(ctx) {
      await new Promise<void>((resolve) => (wake = resolve));
      return ++ctx.state.n;
    },
    bump: (ctx) => ++ctx.state.n,
  },
});

/** Lets time pass until the system has stopped. */
async function timePasses({ clock }: StartedSystem, stopping: Promise<void>): Promise<void> {
  const watching = watched(stopping);
  while (!watching.isSettled) await clock.advance(50);
  await stopping;
}

describe("a system that is not started", () => {
  test("refuses calls and says what to do", async () => {
    const { system } = makeSystem([counter]);
    const calls = [
      system.actor(counter, "a").add(1),
      system.invoke("a", { definition: "counter", action: "add", payload: 1 }),
      system.stored(counter, "a").listRevisions(),
    ];
    expect(await Promise.all(calls.map(failureOf))).toEqual(calls.map(() => "INVALID_ARGUMENT no"));
    await expect(system.actor(counter, "a").add(1)).rejects.toThrow("await start() first");
    await system.start();
    expect(await system.actor(counter, "a").add(1)).toBe(1);
  });

  test("can be stopped, then started, then stopped", async () => {
    const life = makeSystem([counter]);
    await life.system.stop();
    await life.system.start();
    expect(await life.system.actor(counter, "a").add(1)).toBe(1);
    await timePasses(life, life.system.stop());
    expect(await failureOf(life.system.actor(counter, "a").add(1))).toBe("SHUTTING_DOWN no");
  });

  test("makes references at any time, and awaiting one is harmless", async () => {
    const { system } = makeSystem([counter]);
    const ref = system.actor(counter, "a");
    expect(await (ref as unknown)).toBe(ref);
    await system.start();
    expect(await ref.add(1)).toBe(1);
  });
});

describe("start", () => {
  test("twice is refused, and the system goes on", async () => {
    const { system } = await startSystem([counter]);
    const error = await errorOf(system.start());
    expect(error).toMatchObject({ code: "ALREADY_REGISTERED", applied: "no" });
    expect(error.message).toContain("is started already");
    expect(await system.actor(counter, "a").add(1)).toBe(1);
  });

  test("of a second system with the same name is refused until the first has stopped", async () => {
    const first = await startSystem([counter]);
    const second = makeSystem([counter]);
    expect(await failureOf(second.system.start())).toBe("ALREADY_REGISTERED no");
    await timePasses(first, first.system.stop());
    await second.system.start();
    expect(await second.system.actor(counter, "a").add(1)).toBe(1);
  });

  test("after a stop is refused: a stopped system stays stopped", async () => {
    const life = await startSystem([counter]);
    await timePasses(life, life.system.stop());
    expect(await failureOf(life.system.start())).toBe("INVALID_ARGUMENT no");
    expect(await failureOf(life.system.actor(counter, "a").add(1))).toBe("SHUTTING_DOWN no");
  });

  test("that fails can be tried again", async () => {
    const { system, store } = makeSystem([counter]);
    store.fail("open", { kind: "fatal" });
    await expect(system.start()).rejects.toThrow("injected");
    await system.start();
    expect(await system.actor(counter, "a").add(1)).toBe(1);
  });
});

describe("stop", () => {
  test("lets run what is queued and commits it, and refuses what comes later", async () => {
    const life = await startSystem([worker]);
    const ref = life.system.actor(worker, "a");
    const calls = [ref.work(), ref.bump(), ref.bump()];
    await settled();
    const stopping = life.system.stop();
    expect(await failureOf(ref.bump())).toBe("SHUTTING_DOWN no");
    wake();
    await timePasses(life, stopping);
    expect(await Promise.all(calls)).toEqual([1, 2, 3]);
    const next = await startSystem([worker], { inner: life.inner, clock: life.clock });
    expect(await next.system.actor(worker, "a").get()).toEqual({ n: 3 });
  });

  test("lets the actions that are under way make their calls", async () => {
    const asking = actor("asking", {
      actions: {
        async ask(ctx) {
          await new Promise<void>((resolve) => (wake = resolve));
          return await ctx.actor(counter, "c").add(1);
        },
      },
    });
    const life = await startSystem([asking, counter]);
    const call = life.system.actor(asking).ask();
    await settled();
    const stopping = life.system.stop();
    await settled();
    wake();
    await timePasses(life, stopping);
    expect(await call).toBe(1);
  });

  test("refuses what has not run in time, abandons what still runs, and changes nothing by it", async () => {
    const life = await startSystem([worker]);
    const ref = life.system.actor(worker, "a");
    const calls = [failureOf(ref.work()), failureOf(ref.bump())];
    await settled();
    await timePasses(life, life.system.stop({ drainTimeoutMs: 100 }));
    expect(await Promise.all(calls)).toEqual(["SHUTTING_DOWN no", "SHUTTING_DOWN no"]);
    wake();
    await settled();
    const next = await startSystem([worker], { inner: life.inner, clock: life.clock });
    expect(await next.system.actor(worker, "a").get()).toEqual({ n: 0 });
  });

  test("does not say that nothing was applied of a key that has not been looked up", async () => {
    const life = await startSystem([worker]);
    const ref = life.system.actor(worker, "a");
    await ref.bump();
    void failureOf(ref.work());
    await settled();
    life.store.hold("load");
    const calls = [{ idempotencyKey: "k" }, {}].map((key) => failureOf(ref.bump(undefined, key)));
    await timePasses(life, life.system.stop({ drainTimeoutMs: 100 }));
    expect(await Promise.all(calls)).toEqual(["SHUTTING_DOWN unknown", "SHUTTING_DOWN no"]);
  });

  test("leaves nobody waiting for a commit whose answer does not come", async () => {
    const life = await startSystem([worker]);
    const ref = life.system.actor(worker, "a");
    await ref.bump();
    life.store.hold("commit");
    const call = failureOf(ref.bump());
    await settled();
    await timePasses(life, life.system.stop({ drainTimeoutMs: 100 }));
    expect(await call).toBe("UNKNOWN_OUTCOME unknown");
  });

  test.each([
    ["a change that another process has overtaken", "bump"],
    ["a delete", "delete"],
  ])("brings no actor to life again by the late answer to %s", async (_, commit) => {
    const life = await startSystem([worker]);
    const ref = life.system.actor(worker, "a");
    await ref.bump();
    const hold = life.store.hold("commit", { isApplied: commit === "delete" });
    const stored = life.system.stored(worker, "a");
    const call = failureOf(commit === "bump" ? ref.bump() : stored.delete());
    const read = failureOf(ref.get());
    await settled();
    await timePasses(life, life.system.stop({ drainTimeoutMs: 100 }));
    expect(await call).toBe("UNKNOWN_OUTCOME unknown");
    expect(await read).toBe("SHUTTING_DOWN no");
    if (commit === "bump") {
      const next = await startSystem([worker], { inner: life.inner, clock: life.clock });
      await next.system.actor(worker, "a").bump();
    }
    const [told, { loadCount }] = [life.events.length, life.store];
    hold.release();
    for (let second = 0; second < 5; second++) await life.clock.advance(1_000);
    const types = life.events.slice(told).map(({ type }) => type);
    expect(types).not.toContain("activated");
    // One asks what became of the commit.
    expect(life.store.loadCount - loadCount).toBe(commit === "bump" ? 1 : 0);
  });

  test("called twice is one stop", async () => {
    const life = await startSystem([worker]);
    const [first, second] = [life.system.stop(), life.system.stop()];
    await timePasses(
      life,
      Promise.all([first, second]).then(() => undefined),
    );
    expect(first).toBe(second);
  });

  test("comes with the end of a scope", async () => {
    const life = await startSystem([counter]);
    const disposed = life.system[Symbol.asyncDispose]();
    await timePasses(life, Promise.resolve(disposed));
    expect(await failureOf(life.system.actor(counter, "a").add(1))).toBe("SHUTTING_DOWN no");
  });

  test.each([-1, 1.5, Number.NaN, "5", Infinity, null])(
    "refuses a drainTimeoutMs of %s, and the system goes on",
    async (drainTimeoutMs) => {
      const { system } = await startSystem([counter]);
      expect(await failureOf(system.stop({ drainTimeoutMs } as never))).toBe("INVALID_ARGUMENT no");
      expect(await system.actor(counter, "a").add(1)).toBe(1);
      // What is done beside the calls, too.
      expect(await system.checkMigrations()).toMatchObject({ seen: 1, failed: 0 });
    },
  );
});

describe("an asynchronous call", () => {
  test("resolves to nothing when it is accepted, runs in order, and is committed", async () => {
    const { system, store } = await startSystem([worker]);
    const ref = system.actor(worker, "a");
    await ref.bump();
    const hold = store.hold("commit");
    expect(await ref.bump(undefined, { async: true })).toBeUndefined();
    const third = ref.bump();
    hold.release();
    expect(await third).toBe(3);
  });

  test("that fails tells nobody but the listener of events", async () => {
    const { system, events } = await startSystem([counter]);
    expect(await system.actor(counter, "a").throws(undefined, { async: true })).toBeUndefined();
    await settled();
    expect(events).toContainEqual(
      expect.objectContaining({
        type: "async-failed",
        action: "throws",
        actor: { system: "test", definition: "counter", name: "a" },
        error: expect.objectContaining({ code: "ACTION_FAILED", applied: "no" }) as unknown,
      }),
    );
  });

  test("that cannot be accepted is refused at once", async () => {
    const { system } = await startSystem([worker], { limits: { mailboxLengthMax: 1 } });
    const ref = system.actor(worker, "a");
    const working = ref.work();
    await settled();
    await ref.bump(undefined, { async: true });
    expect(await failureOf(ref.bump(undefined, { async: true }))).toBe("OVERLOADED no");
    wake();
    expect(await working).toBe(1);
    expect(await ref.get()).toEqual({ n: 2 });
  });
});
