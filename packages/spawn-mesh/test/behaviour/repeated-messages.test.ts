/** Messages that come again: periods and cron expressions, catching up, and occurrences that fail. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { message } from "../../src/testing/statestore-cases/message-fixtures.ts";
import { diary, linesOf, pass, START } from "./diary.ts";
import { crashAndRestart, startSystem } from "./start-system.ts";

const actors = [diary];

describe("a repeated message", () => {
  test("comes at the planned times, until it is cancelled", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const id = await system.effect(diary, "d").write("tick", { everyMs: 100, delayMs: 50 });
    await pass(started, 400, 80);
    expect(await linesOf(system)).toEqual(["tick 50", "tick 150", "tick 250", "tick 350"]);
    expect(await system.messages.cancel(id)).toBe(true);
    await pass(started, 400, 80);
    expect(await linesOf(system)).toHaveLength(4);
  });

  describe("whose action throws until its attempts are used up", () => {
    let isBroken = true;
    const fragile = actor("fragile", {
      state: () => ({ runs: 0 }),
      actions: {
        run(ctx, by: number) {
          if (isBroken) throw new Error("broken");
          ctx.state.runs += by;
        },
      },
    });
    const limits = { messageAttemptsMax: 2 };

    test.each(["one", "skip"] as const)(
      "goes on, and what failed is parked by itself and can be retried: %s",
      async (catchUp) => {
        isBroken = true;
        const started = await startSystem([fragile], { limits });
        const { system } = started;
        const minute = { everyMs: 60_000, id: "every-minute", catchUp };
        const id = await system.effect(fragile).run(10, minute);
        await pass(started, 70_000, 700);
        const [parked] = await system.messages.listParked();
        expect(parked).toMatchObject({
          attempts: 2,
          error: expect.stringContaining("broken"),
          headers: { occurrence: { of: id, plannedAt: START + 60_000 } },
        });
        expect(await system.messages.list()).toMatchObject([{ id, dueAt: START + 120_000 }]);
        expect(started.events).toContainEqual(
          expect.objectContaining({ type: "message-parked", id: parked!.id }),
        );
        isBroken = false;
        expect(await system.messages.retry(parked!.id)).toEqual([parked!.id]);
        await pass(started, 10_000);
        expect(await system.actor(fragile).get()).toEqual({ runs: 10 });
        await pass(started, 50_000, 500);
        expect(await system.actor(fragile).get()).toEqual({ runs: 20 });
        expect(await system.messages.listParked()).toEqual([]);
        expect(await system.messages.list()).toHaveLength(1);
      },
    );

    test("does not make the calls of its attempts again when what was parked is retried", async () => {
      isBroken = true;
      const caller = actor("caller", {
        state: () => ({ runs: 0 }),
        actions: {
          async run(ctx) {
            await ctx.actor(diary, "d").write("called");
            if (isBroken) throw new Error("broken");
            ctx.state.runs++;
          },
        },
      });
      const started = await startSystem([caller, diary], { limits });
      const { system } = started;
      const id = await system.effect(caller).run(undefined, { everyMs: 3_600_000, delayMs: 0 });
      await pass(started, 10_000, 100);
      const [parked] = await system.messages.listParked();
      expect(parked?.headers.occurrence?.of).toBe(id);
      isBroken = false;
      await system.messages.retry(parked!.id);
      await pass(started, 10_000, 100);
      expect(await system.actor(caller).get()).toEqual({ runs: 1 });
      expect(await linesOf(system)).toHaveLength(1);
    });

    test("goes on after the process has ended while it was being parked, and loses nothing", async () => {
      isBroken = true;
      const first = await startSystem([fragile], { limits });
      await first.system.effect(fragile).run(1, { everyMs: 600_000, delayMs: 0 });
      const { messages } = first.inner;
      const park = messages.park.bind(messages);
      messages.park = () => new Promise(() => undefined);
      await pass(first, 20_000, 200);
      expect(await first.system.messages.list()).toHaveLength(2);
      messages.park = park;
      const second = await crashAndRestart(first, [fragile], { limits });
      await pass(second, 120_000, 600);
      expect(await second.system.messages.listParked()).toHaveLength(1);
      expect(await second.system.messages.list()).toHaveLength(1);
    });
  });

  test("that nobody can take is tried for a while each time, not parked a thousand times", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.send("nobody", { action: "run", everyMs: 100 });
    await pass(started, 60_000, 600);
    expect(await system.messages.listParked()).toEqual([]);
    await pass(started, 540_000, 600);
    expect((await system.messages.listParked()).length).toBeGreaterThan(0);
    expect((await system.messages.listParked()).length).toBeLessThan(6);
  });

  test.each([
    ["one", ["tick 100", "tick 10000", "tick 10100"]],
    ["skip", ["tick 100", "tick 10100"]],
    ["all", ["tick 100", "tick 10000", "tick 10000", "tick 10000"]],
  ] as const)("that missed its times catches up: %s", async (catchUp, lines) => {
    const first = await startSystem(actors);
    await first.system.effect(diary, "d").write("tick", { everyMs: 100, catchUp });
    await pass(first, 110, 11);
    first.system.crash();
    await first.clock.advance(START + 10_000 - first.clock.wall());
    const second = await startSystem(actors, { inner: first.inner, clock: first.clock });
    await pass(second, 110, 11);
    expect((await linesOf(second.system)).slice(0, lines.length)).toEqual(lines);
  });

  test.each(["skip", "one"] as const)(
    "whose next time nobody here understands is parked as it is: %s",
    async (catchUp) => {
      const started = await startSystem(actors, { limits: { messageAttemptsMax: 2 } });
      const cron = { cron: "61 * * * *", timeZone: "Mars/Olympus", catchUp };
      const repeat = { ...cron, plannedAt: START - 60_000 };
      await started.store.messages.send([
        message("odd", {
          target: { system: started.system.name, definition: "diary", name: "d" },
          action: "write",
          payload: JSON.stringify("odd"),
          headers: { kind: "call", repeat },
        }),
      ]);
      await pass(started, 120_000, 1_200);
      expect(await started.system.messages.listParked()).toMatchObject([
        { id: "odd", headers: { repeat }, error: expect.stringContaining("Mars/Olympus") },
      ]);
    },
  );

  test("with a cron expression comes at the wall clock's times, in its time zone", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.effect(diary, "utc").write("x", { cron: "*/10 * * * * *" });
    await system.effect(diary, "day").write("x", { cron: "0 9 * * *", timeZone: "Europe/Berlin" });
    const [, daily] = await system.messages.list();
    expect(new Date(daily!.dueAt).toLocaleTimeString("en-GB", { timeZone: "Europe/Berlin" })).toBe(
      "09:00:00",
    );
    await pass(started, 30_000, 300);
    const times = (await linesOf(system, "utc")).map((line) => Number(line.split(" ")[1]) + START);
    expect(times).toHaveLength(3);
    for (const time of times) expect(time % 10_000).toBeLessThan(100);
  });
});
