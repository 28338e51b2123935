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
    expect(nowhere.message).toMatch(/there is no action "dance"; there are \w+/);
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

const gates: PromiseWithResolvers<void>[] = [];

/** Waits until the test lets it go on. */
async function opened(): Promise<void> {
  const gate = Promise.withResolvers<void>();
  gates.push(gate);
  await gate.promise;
}

/** Takes its time with what a gate passes on. */
const slow = actor("slow", {
  kind: "unnamed",
  state: () => ({ done: 0 }),
  actions: {
    async finish(ctx, item: string) {
      await opened();
      ctx.state.done++;
      return `finished ${item}`;
    },
  },
});
const gate = actor("gate", {
  state: () => ({ passed: 0, others: 0 }),
  actions: {
    pass(ctx, item: string) {
      ctx.state.passed++;
      return reply(item).pipe(slow, "s", "finish");
    },
    there(ctx, _item: string): void {
      ctx.state.passed++;
      passBack(ctx);
    },
    other(ctx) {
      return ++ctx.state.others;
    },
  },
});

let isConfigured = false;

/** Cannot come to life until it is configured. */
const picky = actor("picky", {
  state: () => ({ taken: 0 }),
  init() {
    if (!isConfigured) throw new Error("no configuration");
  },
  actions: {
    take(ctx, item: string) {
      ctx.state.taken++;
      return `took ${item}`;
    },
  },
});
const feeder = actor("feeder", {
  state: () => ({ fed: 0 }),
  actions: {
    feed(ctx, item: string) {
      ctx.state.fed++;
      return reply(item).pipe(picky, "take");
    },
  },
});

describe("a step whose action has not run", () => {
  test("because its actor could not come to life is tried again, and answers in the end", async () => {
    isConfigured = false;
    const started = await startSystem([picky, feeder]);
    const fed = started.system.actor(feeder).feed("corn");
    await pass(started, 500);
    isConfigured = true;
    await pass(started, 2_000);
    expect(await fed).toBe("took corn");
    expect((await started.system.actor(picky).get()).taken).toBe(1);
  });

  test("is parked after eight attempts, and whoever waits is told why", async () => {
    isConfigured = false;
    const started = await startSystem([picky, feeder]);
    const fed = errorOf(started.system.actor(feeder).feed("corn", { deadlineMs: 600_000 }));
    for (let minute = 0; minute < 5; minute++) await pass(started, 60_000);
    expect(await fed).toMatchObject({ code: "ACTION_FAILED", applied: "yes" });
    const [parked, ...others] = await started.system.messages.listParked();
    expect([parked?.error, others]).toEqual([expect.stringContaining("no configuration"), []]);
    isConfigured = true;
    await started.system.messages.retry(parked!.id);
    await pass(started, 100);
    expect((await started.system.actor(picky).get()).taken).toBe(1);
  });

  test("because the actor was busy for more than a minute is tried again", async () => {
    gates.length = 0;
    const started = await startSystem([slow, gate]);
    const { system, clock } = started;
    const busy = system.actor(slow, "s").finish("y", { deadlineMs: 120_000 });
    await settled();
    const told = failureOf(system.actor(gate).pass("x"));
    await clock.advance(70_000);
    expect(await told).toBe("DEADLINE_EXCEEDED yes");
    gates[0]!.resolve();
    expect(await busy).toBe("finished y");
    await pass(started, 10_000);
    gates[1]!.resolve();
    await settled();
    expect((await system.actor(slow, "s").get()).done).toBe(2);
  });
});

/** Answers a call by the actor that it came from. */
const returning = actor("returning", {
  state: () => ({ seen: 0 }),
  actions: {
    async back(ctx, _item: unknown): Promise<void> {
      await opened();
      ctx.state.seen++;
      ctx.pipe(gate, "other");
    },
  },
});

function passBack(ctx: Pick<Context<unknown>, "pipe">): void {
  ctx.pipe(returning, "back");
}

describe("a caller that gives up while a step goes on", () => {
  test("is told that what it called is applied", async () => {
    gates.length = 0;
    const { system } = await startSystem([slow, gate]);
    const abort = new AbortController();
    const told = failureOf(system.actor(gate).pass("x", { signal: abort.signal }));
    await settled();
    expect(gates.length).toBe(1);
    abort.abort();
    expect(await told).toBe("CANCELLED yes");
  });
});

describe("a retry with the key of a call that goes on elsewhere", () => {
  async function startAndGiveUp() {
    gates.length = 0;
    const started = await startSystem([slow, gate]);
    const { system, clock } = started;
    const first = failureOf(
      system.actor(gate).pass("x", { idempotencyKey: "k", deadlineMs: 1_000 }),
    );
    await clock.advance(1_500);
    expect(await first).toBe("DEADLINE_EXCEEDED yes");
    return started;
  }

  test("does not keep the actor from its other calls, and asks the statestore once", async () => {
    const { system, store } = await startAndGiveUp();
    const loads = store.loadCount;
    const retry = watched(system.actor(gate).pass("x", { idempotencyKey: "k" }));
    await settled();
    expect(await system.actor(gate).other()).toBe(1);
    expect([retry.isSettled, store.loadCount - loads]).toEqual([false, 1]);
    gates[0]!.resolve();
    expect(await retry.promise).toBe("finished x");
    expect((await system.actor(gate).get()).passed).toBe(1);
  });

  test("gives up at its own deadline, and says that the call was applied", async () => {
    const { system, clock } = await startAndGiveUp();
    const retry = failureOf(
      system.actor(gate).pass("x", { idempotencyKey: "k", deadlineMs: 2_000 }),
    );
    await clock.advance(2_500);
    expect(await retry).toBe("DEADLINE_EXCEEDED yes");
  });

  test("is answered although its actor left memory while it waited", async () => {
    gates.length = 0;
    const { system, clock } = await startSystem([slow, gate]);
    const calls = ["first", "second"].map(() =>
      system.actor(gate).pass("x", { idempotencyKey: "k" }),
    );
    await clock.advance(30_000);
    gates[0]!.resolve();
    expect(await Promise.all(calls)).toEqual(["finished x", "finished x"]);
  });

  test("does not keep away the step that comes back to the actor", async () => {
    gates.length = 0;
    const { system, clock } = await startSystem([slow, gate, returning]);
    const first = failureOf(
      system.actor(gate).there("x", { idempotencyKey: "k", deadlineMs: 1_000 }),
    );
    await clock.advance(1_500);
    expect(await first).toBe("DEADLINE_EXCEEDED yes");
    const retry = system.actor(gate).there("x", { idempotencyKey: "k" });
    await settled();
    gates[0]!.resolve();
    expect(await retry).toBe(1);
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
