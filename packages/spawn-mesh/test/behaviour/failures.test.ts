/** An action that fails has changed nothing, and its caller learns why. */
import { describe, expect, test } from "vitest";
import { actor, fail, isSpawnError, settle } from "spawn-mesh";
import { counter } from "./counter.ts";
import { errorOf, settled, startSystem } from "./start-system.ts";

describe("an action that throws", () => {
  test("changes neither state nor tags nor revision, and stores nothing", async () => {
    const thrower = actor("thrower", {
      state: () => ({ deep: { list: [1] } }),
      actions: {
        act(ctx) {
          ctx.state.deep.list.push(2);
          ctx.state = { deep: { list: [] } };
          ctx.tags = { a: "b" };
          throw new Error("too late");
        },
        show: (ctx) => [ctx.state, ctx.tags, ctx.revision],
      },
    });
    const { system, store } = await startSystem([thrower]);
    const error = await errorOf(system.actor(thrower).act());
    expect(error).toMatchObject({ code: "ACTION_FAILED", applied: "no", retryable: false });
    expect(error.message).toBe("[ACTION_FAILED] test/thrower act: too late");
    expect(await system.actor(thrower).show()).toEqual([{ deep: { list: [1] } }, {}, 0]);
    expect(store.groups).toEqual([]);
  });

  test("leaves alone what the actions before and after it did", async () => {
    const { system } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    const outcomes = await Promise.allSettled([
      ref.add(1),
      ref.throws(),
      ref.add(1),
      ref.refuses(),
    ]);
    expect(
      outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : "failed")),
    ).toEqual([1, "failed", 2, "failed"]);
    expect(await ref.peek()).toBe(2);
  });

  test("asynchronously does the same", async () => {
    const late = actor("late", {
      state: () => ({ n: 0 }),
      actions: {
        async act(ctx) {
          ctx.state.n = 5;
          await settled();
          ctx.state.n = 6;
          throw new Error("late");
        },
      },
    });
    const { system } = await startSystem([late]);
    expect(await errorOf(system.actor(late).act())).toMatchObject({ code: "ACTION_FAILED" });
    expect(await system.actor(late).get()).toEqual({ n: 0 });
  });
});

describe("a returned failure", () => {
  test("reaches the caller with its code and data, and changes nothing", async () => {
    const { system } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    const result = await settle(ref.refuses());
    expect(result).toMatchObject({
      ok: false,
      failure: { code: "refused", data: { total: 100 } },
      error: { code: "ACTION_FAILED", applied: "no" },
    });
    expect(await ref.peek()).toBe(0);
  });

  test("may be thrown just as well", async () => {
    const thrower = actor("thrower", {
      actions: {
        act() {
          // oxlint-disable-next-line typescript/only-throw-error -- a failure is made to be thrown too
          throw fail("closed", { until: 9 });
        },
      },
    });
    const { system } = await startSystem([thrower]);
    const error = await errorOf(system.actor(thrower).act());
    expect(error.failure).toEqual({ code: "closed", data: { until: 9 } });
  });

  test("carries a copy of its data", async () => {
    const data = { list: [1] };
    const holder = actor("holder", { actions: { act: () => fail("held", data) } });
    const { system } = await startSystem([holder]);
    const result = await settle(system.actor(holder).act());
    data.list.push(2);
    expect(result).toMatchObject({ failure: { code: "held", data: { list: [1] } } });
  });
});

describe("settle", () => {
  test("gives the reply of a call that went well", async () => {
    const { system } = await startSystem([counter]);
    expect(await settle(system.actor(counter, "a").add(2))).toEqual({ ok: true, value: 2 });
  });

  test("gives the error of the platform without a failure", async () => {
    const { system } = await startSystem([counter]);
    const result = await settle(system.actor(counter, "a").throws());
    expect(result).toMatchObject({ ok: false, failure: undefined });
    expect(!result.ok && isSpawnError(result.error)).toBe(true);
  });

  test("passes on what is no error of the platform", async () => {
    await expect(settle(Promise.reject(new TypeError("foreign")))).rejects.toThrow(TypeError);
  });
});
