/** Calls and messages that come back to where they began: an error at once, or an end after a limit. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import { errorOf, startSystem } from "../behaviour/start-system.ts";
import { list, pass } from "./scripted-actor.ts";

const HOPS_MAX = 32;

/** Calls, pipes, forwards or sends to another one of its kind, round and round. */
const ring = actor("ring", {
  kind: "unnamed",
  state: () => ({ runs: 0 }),
  actions: {
    async call(ctx, path: string[]): Promise<number> {
      const [next, ...rest] = path;
      ctx.state.runs++;
      return next === undefined ? 0 : 1 + (await ctx.actor(ring, next).call(rest));
    },
    pipe(ctx, payload: unknown): unknown {
      ctx.state.runs++;
      ctx.pipe(ring, ctx.self.name === "a" ? "b" : "a", "pipe");
      return payload;
    },
    forward(ctx, _payload: unknown): void {
      ctx.state.runs++;
      ctx.forward(ring, ctx.self.name, "forward");
    },
    send(ctx, left: number): void {
      ctx.state.runs++;
      if (left > 0) ctx.effect(ring, ctx.self.name === "a" ? "b" : "a").send(left - 1);
    },
    async callFromMessage(ctx, _payload: unknown): Promise<void> {
      ctx.state.runs++;
      await ctx.actor(ring, "b").call(["a"]);
    },
  },
});

const actors = [ring, list];

async function runsOf(system: ActorSystem, name: string): Promise<number> {
  return (await system.actor(ring, name).get()).runs;
}

describe("a call", () => {
  test.each([
    ["itself", "a", ["a"]],
    ["the one that called it", "a", ["b", "a"]],
    ["one that waits further up", "a", ["b", "c", "b"]],
  ])("to %s fails at once, and nothing is changed on the way", async (_what, first, path) => {
    const { system } = await startSystem(actors);
    const error = await errorOf(system.actor(ring, first).call(path));
    expect(error.message).toContain("[CYCLE]");
    expect(error.applied).toBe("no");
    for (const name of ["a", "b", "c"]) expect(await runsOf(system, name)).toBe(0);
  });

  test("through more actors than may wait for one another fails, and no more are reached", async () => {
    const { system } = await startSystem(actors);
    const path = Array.from({ length: 40 }, (_, index) => `actor-${index}`);
    const error = await errorOf(system.actor(ring, "first").call(path));
    expect(error.message).toContain("[CYCLE]");
    expect(await runsOf(system, "first")).toBe(0);
    expect(await runsOf(system, "actor-39")).toBe(0);
  });

  test("that a message makes and that comes back to it is parked, with the reason", async () => {
    const started = await startSystem(actors, { limits: { messageAttemptsMax: 2 } });
    const { system } = started;
    await system.effect(ring, "a").callFromMessage(undefined);
    await pass(started, 10_000);
    const [parked] = await system.messages.listParked();
    expect(parked?.error).toContain("CYCLE");
    expect(await runsOf(system, "a")).toBe(0);
    await system.actor(list, "l").add("fine");
  });
});

describe("a pipe", () => {
  test("that goes round for ever ends after 32 steps, told to whoever waits", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const error = await errorOf(system.actor(ring, "a").pipe("x"));
    expect(error).toMatchObject({ code: "CYCLE", applied: "yes" });
    // The last one is refused where it would go on, and has changed nothing.
    expect((await runsOf(system, "a")) + (await runsOf(system, "b"))).toBe(HOPS_MAX);
    expect(await system.messages.list()).toEqual([]);
  });

  test("that goes round for ever and that nobody waits for is parked where it ends", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.effect(ring, "a").pipe("x");
    await pass(started, 1000);
    expect(await system.messages.list()).toEqual([]);
    const [parked, ...others] = await system.messages.listParked();
    expect(others).toEqual([]);
    expect(parked).toMatchObject({ action: "pipe", error: expect.stringContaining("[CYCLE]") });
    expect((await runsOf(system, "a")) + (await runsOf(system, "b"))).toBe(HOPS_MAX);
  });

  test("to itself is legal, and ends after 32 steps like the others", async () => {
    const { system } = await startSystem(actors);
    const error = await errorOf(system.actor(ring, "a").forward("x"));
    expect(error).toMatchObject({ code: "CYCLE", applied: "yes" });
    expect(await runsOf(system, "a")).toBe(HOPS_MAX);
  });
});

describe("messages that go round", () => {
  test("go on as long as actors send them, and starve nobody", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.actor(ring, "a").send(2000);
    await system.actor(list, "l").add("fine");
    expect(await system.actor(list, "l").get()).toEqual({ items: ["fine"] });
    await pass(started, 60_000, 2000);
    expect((await runsOf(system, "a")) + (await runsOf(system, "b"))).toBe(2001);
  });
});
