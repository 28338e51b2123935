/** `ctx.delete()`: an actor that ends with its action. */
import { describe, expect, test } from "vitest";
import { actor, fail, read } from "spawn-mesh";
import {
  crashAndRestart,
  errorOf,
  settled,
  startSystem,
  type StartedSystem,
} from "./start-system.ts";

const ledger = actor("ledger", {
  state: () => ({ closed: [] as string[] }),
  actions: {
    close(ctx, name: string) {
      ctx.state.closed.push(name);
    },
  },
});

const session = actor("session", {
  kind: "unnamed",
  state: () => ({ visits: 0, isClosed: false }),
  index: ({ visits }) => ({ visits }),
  timers: [{ action: "expire", everyMs: 60_000 }],
  actions: {
    visit: (ctx) => ++ctx.state.visits,
    close(ctx) {
      const { visits } = ctx.state;
      ctx.effect(ledger).close(ctx.self.name);
      ctx.state.isClosed = true;
      ctx.delete();
      return { visits };
    },
    expire(ctx): void {
      ctx.delete();
    },
    refuse(ctx) {
      ctx.delete();
      return fail("not-now");
    },
    breaks(ctx) {
      ctx.delete();
      throw new Error("not now");
    },
    look: read((ctx) => ctx.delete()),
  },
});

const relaxed = actor("relaxed", {
  state: () => ({ n: 0 }),
  durability: "write-behind",
  actions: {
    add: (ctx) => ++ctx.state.n,
    end(ctx) {
      ctx.state.n++;
      ctx.delete();
      return "ended";
    },
  },
});

const stateless = actor("stateless", { actions: { end: (ctx) => ctx.delete() } });

const start = () => startSystem([ledger, session, relaxed, stateless]);

/** The names of the sessions that there are. */
async function sessionsOf({ system }: Pick<StartedSystem, "system">): Promise<readonly string[]> {
  return (await system.actors.list({ definition: "session" })).actors.map(({ name }) => name);
}

async function pass({ clock }: StartedSystem, ms: number): Promise<void> {
  await clock.advance(ms);
  await settled();
}

describe("an actor that deletes itself", () => {
  test("answers, sends what it sent, and is gone with all that is stored of it", async () => {
    const started = await start();
    const { system } = started;
    const ref = system.actor(session, "a");
    await ref.visit();
    expect(await ref.close()).toEqual({ visits: 1 });
    await pass(started, 100);
    expect(await sessionsOf(started)).toEqual([]);
    expect((await system.find(session, { visits: 1 })).actors).toEqual([]);
    expect(await system.stored(session, "a").listRevisions()).toEqual([]);
    expect(await system.messages.list()).toEqual([]);
    expect((await system.actor(ledger).get()).closed).toEqual(["a"]);
    expect(await ref.get()).toEqual({ visits: 0, isClosed: false });
  });

  test("leaves a new one to the calls behind it", async () => {
    const { system } = await start();
    const ref = system.actor(session, "a");
    const answers = [ref.visit(), ref.visit(), ref.close(), ref.visit(), ref.close(), ref.visit()];
    expect(await Promise.all(answers)).toEqual([1, 2, { visits: 2 }, 1, { visits: 1 }, 1]);
  });

  test("stays deleted after a crash, and a repeated call is told the first answer", async () => {
    const started = await start();
    const before = started.system.actor(session, "a");
    await before.visit();
    await before.close(undefined, { idempotencyKey: "once" });
    const next = await crashAndRestart(started, [ledger, session, relaxed, stateless]);
    expect(await sessionsOf(next)).toEqual([]);
    const after = next.system.actor(session, "a");
    expect(await after.close(undefined, { idempotencyKey: "once" })).toEqual({ visits: 1 });
  });

  test("in an action that its timer calls is not brought back by that timer", async () => {
    const started = await start();
    await started.system.actor(session, "a").visit();
    await pass(started, 61_000);
    expect(await sessionsOf(started)).toEqual([]);
    await pass(started, 600_000);
    expect(await sessionsOf(started)).toEqual([]);
    expect(await started.system.messages.list()).toEqual([]);
  });

  test("ends once for a message that asks for it", async () => {
    const started = await start();
    await started.system.actor(session, "a").visit();
    await started.system.effect(session, "a").close();
    await pass(started, 1_000);
    expect(await sessionsOf(started)).toEqual([]);
    expect((await started.system.actor(ledger).get()).closed).toEqual(["a"]);
    expect(await started.system.messages.list()).toEqual([]);
  });

  test.each(["refuse", "breaks", "look"] as const)(
    "is there as before when it %ss",
    async (action) => {
      const started = await start();
      const ref = started.system.actor(session, "a");
      await ref.visit();
      expect(await errorOf(ref[action]())).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
      expect(await sessionsOf(started)).toEqual(["a"]);
      expect((await ref.get()).visits).toBe(1);
    },
  );

  test("is deleted when it has answered, with write-behind too", async () => {
    const started = await start();
    const ref = started.system.actor(relaxed);
    await ref.add();
    expect(await ref.end()).toBe("ended");
    const next = await crashAndRestart(started, [ledger, session, relaxed, stateless]);
    expect(await next.system.actor(relaxed).get()).toEqual({ n: 0 });
  });

  test("is refused where there is nothing to delete", async () => {
    const { system } = await start();
    const error = await errorOf(system.actor(stateless).end());
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    expect(error.message).toContain("has no state, so there is nothing to delete");
  });
});
