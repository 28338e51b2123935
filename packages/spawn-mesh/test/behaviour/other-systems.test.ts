/** Messages to actors of another actor system, which has a statestore of its own. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { settled, startSystem } from "./start-system.ts";

const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ count: 0 }),
  actions: {
    add(ctx, by: number) {
      ctx.state.count += by;
    },
  },
});

const broken = actor("broken", {
  actions: {
    no(): string {
      throw new Error("no");
    },
  },
});

const relay = actor("relay", {
  state: () => ({ relayed: 0 }),
  actions: {
    go(ctx) {
      ctx.state.relayed++;
      ctx.pipe(broken, "no");
    },
  },
});

const sender = actor("sender", {
  state: () => ({ sent: 0 }),
  actions: {
    send(ctx, action: string) {
      ctx.state.sent++;
      ctx.send("c", { system: "there", definition: "counter", action, payload: 1 });
    },
  },
});

describe("a message to another system", () => {
  test("that is repeated is applied each time", async () => {
    const here = await startSystem([sender], { name: "here" });
    const there = await startSystem([counter], { name: "there", clock: here.clock });
    const target = { system: "there", definition: "counter", action: "add", payload: 1 };
    await here.system.send("c", { ...target, everyMs: 1_000 });
    for (let second = 0; second < 5; second++) {
      await here.clock.advance(1_000);
      await settled();
    }
    expect((await there.system.actor(counter, "c").get()).count).toBe(5);
  });

  test("that starts later waits for it, and counts no attempts", async () => {
    const here = await startSystem([sender], { name: "here" });
    await here.system.actor(sender).send("add");
    await here.clock.advance(60_000);
    const [waiting] = await here.system.messages.list();
    expect(waiting).toMatchObject({ attempts: 0, error: expect.stringContaining('"there"') });
    const there = await startSystem([counter], { name: "there", clock: here.clock });
    await here.clock.advance(6_000);
    expect((await there.system.actor(counter, "c").get()).count).toBe(1);
    expect(await here.system.messages.list()).toEqual([]);
  });

  test("that has no such action is parked", async () => {
    const here = await startSystem([sender], { name: "here" });
    await startSystem([counter], { name: "there", clock: here.clock });
    await here.system.actor(sender).send("dance");
    await here.clock.advance(1);
    const parked = await here.system.messages.listParked();
    expect(parked.map(({ error }) => error)).toEqual([expect.stringContaining("ACTION_NOT_FOUND")]);
  });

  test("that was applied there is not tried again when a step after it fails", async () => {
    const here = await startSystem([sender], { name: "here" });
    const there = await startSystem([relay, broken], { name: "there", clock: here.clock });
    await here.system.send("relay", { system: "there", action: "go" });
    await here.clock.advance(600_000);
    expect((await there.system.actor(relay).get()).relayed).toBe(1);
    expect(await here.system.messages.list()).toEqual([]);
    expect(await here.system.messages.listParked()).toEqual([]);
  });
});

describe("a typed reference", () => {
  test("calls and sends to the system that its options name", async () => {
    const asker = actor("asker", {
      actions: {
        ask: async (ctx) => await ctx.actor(counter, "c").add(1, { system: "there" }),
        send: (ctx) => ctx.effect(counter, "c").add(1, { system: "there" }),
      },
    });
    const here = await startSystem([counter, asker], { name: "here" });
    const there = await startSystem([counter], { name: "there", clock: here.clock });
    const { system } = here;
    const elsewhere = { system: "there" };
    await system.actor(counter, "c").add(1, elsewhere);
    await system.actor(counter, "c").add(1, { ...elsewhere, deadlineMs: 1_000 });
    await system.actor(asker).ask();
    await system.effect(counter, "c").add(1, elsewhere);
    await system.actor(asker).send();
    await settled();
    expect(await system.actor(counter, "c").get(undefined, elsewhere)).toEqual({ count: 5 });
    expect(await there.system.actor(counter, "c").get()).toEqual({ count: 5 });
    expect(await system.actor(counter, "c").get(undefined, { system: "here" })).toEqual({
      count: 0,
    });
    expect(await system.actor(counter, "c").get(undefined, { system: undefined })).toEqual({
      count: 0,
    });
    const nowhere = system.actor(counter, "c").get(undefined, { system: "nowhere" });
    await expect(nowhere).rejects.toMatchObject({ code: "ACTOR_NOT_FOUND" });
  });
});
