/** Calls that an action waits for while it serves a message: done once for that message, however often it runs. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { settled, startSystem } from "./start-system.ts";

const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ count: 0 }),
  actions: {
    add(ctx, by: number) {
      ctx.state.count += by;
      return ctx.state.count;
    },
  },
});

/** Ticks each second, and has another actor count its ticks. */
const clockwork = actor("clockwork", {
  state: () => ({ ticks: 0 }),
  actions: {
    async tick(ctx) {
      ctx.state.ticks = await ctx.actor(counter, "ticks").add(1);
    },
  },
  timers: [{ action: "tick", everyMs: 1_000 }],
});

/** The same without a state. */
const metronome = actor("metronome", {
  actions: {
    async tick(ctx) {
      await ctx.actor(counter, "beats").add(1);
    },
  },
  timers: [{ action: "tick", everyMs: 1_000 }],
});

let isBroken = false;

const caller = actor("caller", {
  state: () => ({ calls: 0 }),
  actions: {
    async count(ctx) {
      ctx.state.calls = await ctx.actor(counter, "calls").add(1);
      if (isBroken) throw new Error("broken");
    },
  },
});

describe("a call that an action makes and waits for", () => {
  test("is made at each tick of a timer, with a state and without", async () => {
    const { system, clock } = await startSystem([counter, clockwork, metronome]);
    for (let second = 0; second < 5; second++) {
      await clock.advance(1_000);
      await settled();
    }
    expect((await system.actor(counter, "ticks").get()).count).toBe(5);
    expect((await system.actor(counter, "beats").get()).count).toBe(5);
    expect((await system.actor(clockwork).get()).ticks).toBe(5);
  });

  test("is made each time that a repeated message comes", async () => {
    const { system, clock } = await startSystem([counter, caller]);
    await system.effect(caller).count(undefined, { everyMs: 1_000 });
    for (let second = 0; second < 3; second++) {
      await clock.advance(1_000);
      await settled();
    }
    expect((await system.actor(counter, "calls").get()).count).toBe(3);
  });

  test("is not made again when the message is tried again", async () => {
    isBroken = true;
    const { system, clock } = await startSystem([counter, caller]);
    await system.effect(caller).count();
    await clock.advance(2_500);
    isBroken = false;
    await clock.advance(10_000);
    expect((await system.actor(caller).get()).calls).toBe(1);
    expect((await system.actor(counter, "calls").get()).count).toBe(1);
  });
});
