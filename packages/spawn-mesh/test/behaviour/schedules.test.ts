/** Messages for later: delays and fixed times. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { DELIVERY_GRACE_MS } from "../../src/engine/sending.ts";
import { diary, linesOf, pass, START } from "./diary.ts";
import { crashAndRestart, errorOf, startSystem } from "./start-system.ts";

/** Sends lines to the diary "d", later. */
const reminder = actor("reminder", {
  actions: {
    remind: (ctx, delayMs: number) => ctx.effect(diary, "d").write("reminded", { delayMs }),
    async call(ctx, delayMs: number) {
      await ctx.actor(diary, "d").write("called", { delayMs });
    },
  },
});

/** One that changes its state with every message that it sends. */
const relay = actor("relay", {
  state: () => ({ reminders: 0 }),
  actions: {
    remind(ctx, delayMs: number) {
      ctx.state.reminders++;
      ctx.effect(diary, "d").write("relayed", { delayMs });
    },
  },
});

const actors = [diary, reminder, relay];

describe("a call for later", () => {
  test("resolves when it is stored, and is delivered on time", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    expect(await system.actor(diary, "d").write("x", { delayMs: 1_000 })).toBeUndefined();
    expect(await system.actor(diary, "d").write("y", { scheduledTo: START + 500 })).toBeUndefined();
    expect(await system.messages.list()).toHaveLength(2);
    expect(await linesOf(system)).toEqual([]);
    await pass(started, 2_000, 200);
    expect(await linesOf(system)).toEqual(["y 500", "x 1000"]);
    expect(await system.messages.list()).toEqual([]);
  });

  test("comes from an action in five seconds, when that is what was asked for", async () => {
    const started = await startSystem(actors);
    await started.system.actor(relay).remind(5_000);
    await pass(started, 4_000, 40);
    expect(await linesOf(started.system)).toEqual([]);
    await pass(started, 2_000, 20);
    expect(await linesOf(started.system)).toEqual(["relayed 5000"]);
  });

  test("has an id that sorts by the time of its sending", async () => {
    const { system, clock } = await startSystem(actors);
    const ids: string[] = [];
    for (let call = 0; call < 20; call++) {
      ids.push(await system.actor(reminder).remind(1_000));
      await clock.advance(1);
    }
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids.map((id) => id.length))).toEqual(new Set([32]));
  });

  test("is not late because it became due while the statestore was being asked", async () => {
    const started = await startSystem(actors);
    const { system, clock, inner } = started;
    const claim = inner.messages.claim.bind(inner.messages);
    inner.messages.claim = async (wanted) => {
      const claimed = await claim(wanted);
      await new Promise<void>((resolve) => clock.timer(5, resolve));
      return claimed;
    };
    await system.actor(diary, "d").write("x", { delayMs: 100 });
    // The first is claimed at 100, nothing more is found at 105, and at 115 that is known.
    await system.actor(diary, "d").write("y", { delayMs: 112 });
    await pass(started, 200, 200);
    expect((await linesOf(system)).map((line) => line.split(" ")[0])).toEqual(["x", "y"]);
  });

  test("survives a crash, and one whose time has passed meanwhile comes at once", async () => {
    const first = await startSystem(actors);
    await first.system.actor(diary, "d").write("x", { delayMs: 1_000 });
    first.system.crash();
    await first.clock.advance(3_000);
    const second = await crashAndRestart(first, actors);
    await pass(second, 10);
    expect((await linesOf(second.system)).map((line) => line.split(" ")[0])).toEqual(["x"]);
  });

  test("is stored with what the action changes, and is cancelled by its id", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const id = await system.actor(reminder).remind(1_000);
    expect(await system.messages.list()).toMatchObject([{ id, action: "write" }]);
    expect(await system.messages.cancel(id)).toBe(true);
    expect(await system.messages.cancel(id)).toBe(false);
    await system.actor(reminder).call(100);
    await pass(started, 2_000);
    expect(await linesOf(system)).toEqual(["called 100"]);
  });

  test("waits for its time, also when that is as far away as what is sent at once may be on its way", async () => {
    const started = await startSystem(actors);
    await started.system.actor(reminder).remind(DELIVERY_GRACE_MS);
    await pass(started, DELIVERY_GRACE_MS * 2, 100);
    expect(await linesOf(started.system)).toEqual(["reminded 5000"]);
  });

  test("with a time in the past comes at once, with an idempotency key it is refused", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.actor(diary, "d").write("x", { scheduledTo: 1 });
    await pass(started, 0);
    expect(await linesOf(system)).toEqual(["x 0"]);
    const call = system.actor(diary, "d").write("x", { delayMs: 1, idempotencyKey: "k" });
    expect(await errorOf(call)).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("with an id of its own is there once", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const send = (): Promise<string> =>
      system.effect(diary, "d").write("x", { delayMs: 100, id: "once/1" });
    expect([await send(), await send()]).toEqual(["once/1", "once/1"]);
    await pass(started, 1_000);
    expect(await linesOf(system)).toEqual(["x 100"]);
    const bad = system.effect(diary, "d").write("x", { id: "timer-1" });
    expect(await errorOf(bad)).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
