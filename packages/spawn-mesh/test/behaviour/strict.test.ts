/** Strict mode finds code that changes a state after its action has returned. */
import { describe, expect, test } from "vitest";
import { actor, fail } from "spawn-mesh";
import { testActorSystem } from "spawn-mesh/testing";
import { errorOf, startSystem } from "./start-system.ts";

let escaped: { total: number } = { total: 0 };

const leaky = actor("leaky", {
  state: () => ({ total: 0 }),
  actions: {
    leak(ctx) {
      escaped = ctx.state;
      ctx.state.total++;
    },
    add: (ctx) => ++ctx.state.total,
  },
});

describe("a state that is changed after its action has returned", () => {
  test("fails the next call in strict mode, and the change is lost", async () => {
    const { system } = await startSystem([leaky], { strict: true });
    const ref = system.actor(leaky);
    await ref.leak();
    escaped.total = 1_000;
    const error = await errorOf(ref.add());
    expect(error).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
    expect(error.message).toContain("after the action before had returned");
    expect(await ref.add()).toBe(2);
  });

  test("is found by the kit for users' tests", async () => {
    await using system = await testActorSystem({ actors: [leaky] });
    await system.actor(leaky).leak();
    escaped.total = 1_000;
    expect(await errorOf(system.actor(leaky).add())).toMatchObject({ code: "ACTION_FAILED" });
    expect(await system.actor(leaky).get()).toEqual({ total: 1 });
  });

  test("is not complained about when nothing was changed", async () => {
    const { system } = await startSystem([leaky], { strict: true });
    await system.actor(leaky).leak();
    expect([await system.actor(leaky).add(), escaped.total]).toEqual([2, 1]);
  });
});

describe("the error of a call from outside", () => {
  const refusing = actor("refusing", { actions: { refuse: () => fail("no", { why: "so" }) } });

  /** The first place of its stack. */
  function placeOf({ stack = "" }: Error): string | undefined {
    return stack.split("\n    at ")[1];
  }

  test("begins its stack with the call in strict mode, and is the same otherwise", async () => {
    const { system } = await startSystem([refusing], { strict: true });
    const calls = [
      system.actor(refusing).refuse(),
      system.invoke("refusing", { action: "refuse" }),
    ];
    for (const call of calls) {
      const error = await errorOf(call);
      expect(placeOf(error)).toContain(import.meta.filename);
      expect(error).toMatchObject({
        code: "ACTION_FAILED",
        applied: "no",
        failure: { code: "no", data: { why: "so" } },
        message: "[ACTION_FAILED] test/refusing refuse: no",
      });
      expect(error.stack).toContain("[ACTION_FAILED] test/refusing refuse: no");
    }
  });

  test("costs nothing without it, and tells no place", async () => {
    const { system } = await startSystem([refusing]);
    const error = await errorOf(system.actor(refusing).refuse());
    expect(placeOf(error)).not.toContain(import.meta.filename);
  });
});
