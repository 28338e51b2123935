/** Pipes and forwards: who answers the caller, what is passed on, and what happens when something goes wrong on the way. */
import { describe, expect, test } from "vitest";
import { actor, effect, fail, reply } from "spawn-mesh";
import type { ActorSystem, Context } from "spawn-mesh";
import {
  crashAndRestart,
  errorOf,
  failureOf,
  settled,
  startSystem,
  watched,
} from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

interface Order {
  readonly item: string;
  readonly steps?: readonly string[];
}

const log = actor("log", {
  kind: "unnamed",
  state: () => ({ lines: [] as string[] }),
  actions: {
    note(ctx, order: Order) {
      ctx.state.lines.push(`${order.item} ${ctx.caller?.name} ${ctx.metadata["trace"] ?? "-"}`);
      return `noted ${order.item} ${order.steps?.join(">") ?? ""}`;
    },
    refuse(_ctx, order: Order) {
      return fail("refused", order.item);
    },
    throws(ctx, order: Order): string {
      ctx.state.lines.push("never");
      throw new Error(`no ${order.item}`);
    },
    receive(ctx, line: string) {
      ctx.state.lines.push(line);
    },
  },
});

const router = actor("router", {
  kind: "unnamed",
  state: () => ({ seen: 0 }),
  actions: {
    pipe(ctx, order: Order) {
      ctx.state.seen++;
      ctx.pipe(log, "l", "note");
      return { ...order, steps: [...(order.steps ?? []), ctx.self.name] };
    },
    forward(ctx, _order: Order) {
      ctx.state.seen++;
      ctx.forward(log, "l", "note");
      return "dropped";
    },
    built(ctx, order: Order) {
      ctx.state.seen++;
      return reply({ ...order, steps: ["built"] })
        .effects(effect(log, "side").note(order))
        .tags({ kind: "router" })
        .pipe(log, "l", "note");
    },
    refused: (_ctx, order: Order) => reply(order).pipe(log, "l", "refuse"),
    throwing(ctx, order: Order) {
      ctx.state.seen++;
      return reply(order).pipe(log, "l", "throws");
    },
    nowhere(ctx, order: Order): void {
      ctx.pipe(log, "l", "dance" as "note");
      ctx.state.seen += order.item.length;
    },
    both(ctx, _order: Order): void {
      ctx.pipe(log, "l", "note");
      ctx.forward(log, "l", "note");
    },
  },
});

/** Sends a ball to and fro: A → B → A is legal. */
const player = actor("player", {
  kind: "unnamed",
  state: () => ({ hits: 0 }),
  actions: {
    hit(ctx, left: number): number {
      ctx.state.hits++;
      if (left > 0) passTo(ctx, ctx.self.name === "a" ? "b" : "a");
      return left - 1;
    },
  },
});

function passTo(ctx: Pick<Context<unknown>, "pipe">, name: string): void {
  ctx.pipe(player, name, "hit");
}

const switchboard = actor("switchboard", {
  actions: {
    route(ctx, _order: Order): void {
      ctx.forward(log, "l", "note");
    },
  },
});

const actors = [log, router, player, switchboard];

async function linesOf(system: ActorSystem, name = "l"): Promise<readonly string[]> {
  return (await system.actor(log, name).get()).lines;
}

async function pass({ clock }: StartedSystem, ms: number): Promise<void> {
  await clock.advance(ms);
  await settled();
}

describe("a pipe", () => {
  test("passes the reply on, and the next actor answers the caller", async () => {
    const { system } = await startSystem(actors);
    const answer = await system
      .actor(router, "r")
      .pipe({ item: "apple" }, { metadata: { trace: "t1" } });
    expect(answer).toBe("noted apple r");
    expect(await linesOf(system)).toEqual(["apple r t1"]);
    expect((await system.actor(router, "r").get()).seen).toBe(1);
    expect(await system.messages.list()).toEqual([]);
  });

  test("built with reply() is the same, with effects, tags and types", async () => {
    const { system } = await startSystem(actors);
    const answer: string = await system.actor(router, "r").built({ item: "pear" });
    await settled();
    expect(answer).toBe("noted pear built");
    expect(await linesOf(system, "side")).toEqual(["pear r -"]);
  });

  test("leads back to an actor that it came from", async () => {
    const { system } = await startSystem(actors);
    expect(await system.actor(player, "a").hit(5)).toBe(-1);
    expect((await system.actor(player, "a").get()).hits).toBe(3);
    expect((await system.actor(player, "b").get()).hits).toBe(3);
  });

  test("ends after 32 steps, with an error that says that the first was applied", async () => {
    const { system } = await startSystem(actors);
    expect(await failureOf(system.actor(player, "a").hit(100))).toBe("CYCLE yes");
    expect((await system.actor(player, "a").get()).hits).toBe(16);
  });

  test("whose step fails answers with that error, applied, and the step is not tried again", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const refused = await errorOf(system.actor(router, "r").refused({ item: "x" }));
    expect(refused).toMatchObject({
      code: "ACTION_FAILED",
      applied: "yes",
      failure: { code: "refused", data: "x" },
    });
    expect(await failureOf(system.actor(router, "r").throwing({ item: "x" }))).toBe(
      "ACTION_FAILED yes",
    );
    await pass(started, 60_000);
    expect(await linesOf(system)).toEqual([]);
    expect(await system.messages.list()).toEqual([]);
    expect(await system.messages.listParked()).toEqual([]);
  });

  test("to nowhere fails where it is made, and so do two of them", async () => {
    const { system } = await startSystem(actors);
    const nowhere = await errorOf(system.actor(router, "r").nowhere({ item: "x" }));
    expect(nowhere.message).toContain('there is no action "dance"');
    const both = await errorOf(system.actor(router, "r").both({ item: "x" }));
    expect(both.message).toContain("has chosen one already");
    expect((await system.actor(router, "r").get()).seen).toBe(0);
  });

  test("goes on when its process dies, and a retry with the key is told its reply", async () => {
    const first = await startSystem(actors);
    const held = first.store.hold("load");
    const { system } = first;
    held.release();
    await system.actor(router, "r").forward({ item: "warm" });
    const lost = system.actor(router, "r").pipe({ item: "apple" }, { idempotencyKey: "k" });
    lost.catch(() => undefined);
    // The first commit is done and the step is not.
    const hold = first.store.hold("commit");
    await settled();
    hold.release();
    const second = await crashAndRestart(first, actors);
    const again = second.system.actor(router, "r").pipe({ item: "apple" }, { idempotencyKey: "k" });
    await pass(second, 0);
    expect(await again).toBe("noted apple r");
    const third = second.system.actor(router, "r").pipe({ item: "apple" }, { idempotencyKey: "k" });
    expect(await third).toBe("noted apple r");
    await pass(second, 10_000);
    expect(await linesOf(second.system)).toEqual(["warm r -", "apple r -"]);
    expect((await second.system.actor(router, "r").get()).seen).toBe(2);
  });

  test("that leads back to its first actor does not wait there behind the retry", async () => {
    const first = await startSystem(actors);
    const hold = first.store.hold("commit");
    first.system
      .actor(player, "a")
      .hit(4, { idempotencyKey: "k" })
      .catch(() => undefined);
    await settled();
    // The first commit reaches the statestore, and nobody is left to deliver the step.
    hold.release();
    const second = await crashAndRestart(first, actors);
    const again = watched(second.system.actor(player, "a").hit(4, { idempotencyKey: "k" }));
    await pass(second, 1_000);
    expect(again.isSettled).toBe(true);
    expect(await again.promise).toBe(-1);
    expect((await second.system.actor(player, "a").get()).hits).toBe(3);
  });

  test("that failed is told to a retry with the key as it was told before", async () => {
    const { system } = await startSystem(actors);
    const call = (): Promise<unknown> =>
      system.actor(router, "r").throwing({ item: "x" }, { idempotencyKey: "k" });
    const first = await errorOf(call());
    const second = await errorOf(call());
    expect(second).toMatchObject({ code: "ACTION_FAILED", applied: "yes", message: first.message });
    expect((await system.actor(router, "r").get()).seen).toBe(1);
  });

  test("that is not answered in time says that the call was applied", async () => {
    const started = await startSystem(actors);
    const { system, store } = started;
    await system.actor(router, "r").forward({ item: "warm" });
    const call = system.actor(router, "r").pipe({ item: "x" }, { deadlineMs: 100 });
    const told = failureOf(call);
    await settledUntil(() => store.commits.at(-1)?.sends.length === 1);
    const held = store.hold("commit");
    await pass(started, 200);
    expect(await told).toBe("DEADLINE_EXCEEDED yes");
    held.release();
    await pass(started, 10);
    expect(await linesOf(system)).toEqual(["warm r -", "x r -"]);
  });
});

describe("a forward", () => {
  test("passes the payload on and drops the reply", async () => {
    const { system } = await startSystem(actors);
    expect(await system.actor(router, "r").forward({ item: "apple" })).toBe("noted apple ");
  });

  test("may come from an actor without a state", async () => {
    const { system } = await startSystem(actors);
    expect(await system.actor(switchboard).route({ item: "apple" })).toBe("noted apple ");
    expect(await linesOf(system)).toEqual(["apple switchboard -"]);
  });
});

/** Lets things go on until something is the case, one step at a time. */
async function settledUntil(isSo: () => boolean): Promise<void> {
  for (let step = 0; step < 100 && !isSo(); step++) await Promise.resolve();
}
