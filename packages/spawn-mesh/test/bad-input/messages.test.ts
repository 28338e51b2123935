/** Messages that make no sense: refused where they are sent, or parked with a reason; nobody else is affected. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import type { SendOptions, SendRequest } from "spawn-mesh";
import { errorOf, startSystem } from "../behaviour/start-system.ts";
import {
  actors,
  expectOthersUnaffected,
  expectRefused,
  list,
  pass,
  script,
  scripted,
  start,
} from "./scripted-actor.ts";

describe("a message", () => {
  test.each<[string, string, unknown, string]>([
    ["no name", "", { action: "add" }, "actor name: expected at least one character"],
    ["a name with NUL", "a\0b", { action: "add" }, "without control characters"],
    ["half a surrogate pair", "\ud800", { action: "add" }, "without half surrogate pairs"],
    ["a name of 1 025 bytes", "n".repeat(1025), { action: "add" }, "at most 1024 bytes"],
    ["no action", "list", {}, "with the name of an action"],
    ["an action that is empty", "list", { action: "" }, "with the name of an action"],
    ["an action with NUL", "list", { action: "a\0" }, "action name"],
    ["an action of 10 000 letters", "list", { action: "a".repeat(10_000) }, "action name"],
    ["a system with a line break", "list", { action: "a", system: "x\n" }, "system name"],
    ["a definition that is a number", "list", { action: "a", definition: 5 }, "definition name"],
    ["no request", "list", undefined, "expected { action, payload }"],
    ["null", "list", null, "expected { action, payload }"],
    ["text", "list", "add", "expected { action, payload }"],
  ])("to %s is refused where it is sent", async (...row) => {
    const [, name, request, said] = row;
    const started = await start();
    script.run = (ctx: { send: Function }) => ctx.send(name, request);
    await expectRefused(started, { code: "INVALID_ARGUMENT", said });
    const outside = await errorOf(started.system.send(name, request as SendRequest));
    expect(outside.message).toContain(said);
  });

  test.each<[string, object, string]>([
    ["an actor that is not there", { name: "nobody" }, "[ACTOR_NOT_FOUND]"],
    ["an action that is not there", { definition: "list", action: "fly" }, "[ACTION_NOT_FOUND]"],
    ["an action of every object", { definition: "list", action: "toString" }, "[ACTION_NOT_FOUND]"],
    ["__proto__", { definition: "list", action: "__proto__" }, "[ACTION_NOT_FOUND]"],
    ["a definition that is not there", { definition: "__proto__" }, "[ACTOR_NOT_FOUND]"],
    ["a channel as an actor", { definition: "<channel>" }, "[ACTOR_NOT_FOUND]"],
  ])("to %s is parked, with the reason", async (_what, to, said) => {
    const started = await start();
    const { name = "list", ...request } = to as { name?: string };
    script.run = (ctx: { send: Function }) => ctx.send(name, { action: "add", ...request });
    await started.system.actor(scripted, "s").run();
    await pass(started, 10);
    const [parked] = await started.system.messages.listParked();
    expect(parked?.error).toContain(said);
    expect(await started.system.actor(scripted, "s").get()).toEqual({ runs: 1 });
    await expectOthersUnaffected(started);
  });

  test.each<[string, SendOptions | object, string]>([
    ["an id that is empty", { id: "" }, "options.id"],
    ["an id of 101 letters", { id: "x".repeat(101) }, "options.id"],
    ["an id with a space", { id: "a b" }, "options.id"],
    ["an id of letters beyond ASCII", { id: "é" }, "options.id"],
    ["an id that is a number", { id: 5 }, "options.id"],
    ["an id of a timer", { id: "timer-1" }, "options.id"],
    ["a delay of NaN", { delayMs: Number.NaN }, "options.delayMs"],
    ["a negative delay", { delayMs: -1 }, "options.delayMs"],
    ["a delay as text", { delayMs: "5" }, "options.delayMs"],
    ["half a millisecond", { delayMs: 0.5 }, "options.delayMs"],
    ["a delay that never ends", { delayMs: Infinity }, "options.delayMs"],
    ["a delay of 300 years", { delayMs: 300 * 366 * 86_400_000 }, "options.delayMs"],
    ["null as a delay", { delayMs: null }, "options.delayMs"],
    ["a Date", { scheduledTo: new Date() }, "options.scheduledTo"],
    ["a time before 1970", { scheduledTo: -1 }, "options.scheduledTo"],
    ["a time after 2200", { scheduledTo: Date.UTC(2200, 0) }, "options.scheduledTo"],
    ["a period of 0", { everyMs: 0 }, "options.everyMs"],
    ["a negative period", { everyMs: -5 }, "options.everyMs"],
    ["a period of 300 years", { everyMs: 300 * 366 * 86_400_000 }, "options.everyMs"],
    ["an empty cron expression", { cron: "" }, "options.cron"],
    [
      "a cron expression of four fields",
      { cron: "* * * *" },
      "expected five fields, or six that begin with seconds; got 4",
    ],
    ["a cron expression of seven fields", { cron: "* * * * * * *" }, "options.cron"],
    ["a cron expression that is a number", { cron: 5 }, "options.cron"],
    ["null as a cron expression", { cron: null }, "options.cron"],
    ["a minute 61", { cron: "61 * * * *" }, "options.cron"],
    ["the 31st of February", { cron: "0 0 31 2 *" }, "options.cron"],
    ["a huge cron expression", { cron: "1,".repeat(100_000) }, "options.cron"],
    ["a time zone on Mars", { cron: "* * * * *", timeZone: "Mars/Olympus" }, "options.cron"],
    ["an empty time zone", { cron: "* * * * *", timeZone: "" }, "options."],
    ["a time zone that is a number", { cron: "* * * * *", timeZone: 5 }, "options."],
    ["two repetitions", { cron: "* * * * *", everyMs: 5 }, "got both"],
    ["an unknown reliability", { reliability: "maybe" }, "options.reliability"],
    ["an order that is text", { ordered: "yes" }, "options.ordered"],
    ["metadata with numbers", { metadata: { a: 1 } }, "metadata"],
    ["metadata as a list", { metadata: ["a"] }, "metadata"],
  ])("with %s is refused where it is sent", async (_what, options, said) => {
    const started = await start();
    script.run = (ctx: { effect: Function }) => ctx.effect(list, "l").add(1, options);
    await expectRefused(started, { code: "INVALID_ARGUMENT", said });
  });

  test("with metadata that is too large is refused where it is sent", async () => {
    const started = await start();
    const metadata = { a: "x".repeat(65_536) };
    script.run = (ctx: { effect: Function }) => ctx.effect(list, "l").add(1, { metadata });
    await expectRefused(started, { code: "PAYLOAD_TOO_LARGE", said: "metadata" });
  });

  test("with a payload beyond the limit is refused where it is sent", async () => {
    const started = await start({ limits: { payloadBytesMax: 1000 } });
    script.run = (ctx: { effect: Function }) => ctx.effect(list, "l").add("x".repeat(1000));
    await expectRefused(started, { code: "PAYLOAD_TOO_LARGE", said: "payload" });
    const call = started.system.effect(list, "l").add("x".repeat(1000));
    expect(await errorOf(call)).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });

  test.each([
    ["a Map", () => new Map()],
    ["a function", () => () => 1],
    ["NaN", () => Number.NaN],
    ["a bigint", () => 5n],
    [
      "a list that contains itself",
      () => {
        const cycle: unknown[] = [];
        return cycle.concat([cycle.push(cycle) && cycle]);
      },
    ],
  ])("with %s as its payload is refused where it is sent", async (_what, payload) => {
    const started = await start();
    script.run = (ctx: { effect: Function }) => ctx.effect(list, "l").add(payload());
    await expectRefused(started, { code: "INVALID_ARGUMENT", said: "payload" });
  });

  test("among 100 000 of one action is refused with the others", async () => {
    const started = await start();
    script.run = (ctx: { effect: Function }) => {
      for (let index = 0; index < 100_000; index++) ctx.effect(list, "l").add(index);
    };
    const said = "one run sends at most 10000 messages";
    await expectRefused(started, { code: "PAYLOAD_TOO_LARGE", said });
  });

  test("is one of 10 000, and all of them come in order", async () => {
    const started = await start();
    script.run = (ctx: { effect: Function }) => {
      for (let index = 0; index < 10_000; index++) ctx.effect(list, "l").add(index);
    };
    await started.system.actor(scripted, "s").run();
    await pass(started, 60_000, 200);
    const { items } = await started.system.actor(list, "l").get();
    expect(items).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
  });

  test.each<[string, unknown, string]>([
    ["nothing", undefined, "undefined"],
    ["null", null, "null"],
    ["text", "just text", "just text"],
    ["an object without a prototype", Object.create(null), "cannot be printed"],
    ["NUL and half a surrogate pair", new Error("a\0b\ud800"), "a\ufffdb\ufffd"],
  ])("whose action throws %s is parked with a reason that any database keeps", async (...row) => {
    const [, thrown, said] = row;
    const odd = actor("odd", {
      actions: {
        run() {
          throw thrown;
        },
      },
    });
    const limits = { messageAttemptsMax: 1 };
    const started = await startSystem([...actors, odd], { limits });
    await started.system.effect(odd).run();
    await pass(started, 10);
    const [parked] = await started.system.messages.listParked();
    expect(parked?.error).toContain(said);
    await expectOthersUnaffected(started);
  });

  test("whose action throws a mebibyte is parked with the beginning of it", async () => {
    const loud = actor("loud", {
      actions: {
        run() {
          throw new Error(`loud ${"x".repeat(2 ** 20)}`);
        },
      },
    });
    const started = await startSystem([...actors, loud], { limits: { messageAttemptsMax: 1 } });
    await started.system.effect(loud).run();
    await pass(started, 10);
    const [parked] = await started.system.messages.listParked();
    expect(parked?.error).toContain("loud xxx");
    expect(parked?.error).toHaveLength(1000);
    await expectOthersUnaffected(started);
  });
});

describe("a list of messages", () => {
  test.each<[string, unknown, string]>([
    ["null", null, "got null"],
    ["a number", 5, "got 5"],
    [
      "an option that is not there",
      { traget: {} },
      "there is no option traget, did you mean target?",
    ],
    ["a source that is a name", { source: "cart" }, "source is an actor"],
    ["a target without a name", { target: { system: "a", definition: "b" } }, "target is an actor"],
    ["a target that is null", { target: null }, "target is an actor"],
    ["a page after nothing", { after: null }, "after is { at, id }"],
    ["a page after NaN", { after: { at: Number.NaN, id: "x" } }, "after is { at, id }"],
    ["a page after a number", { after: { at: 1, id: 5 } }, "after is { at, id }"],
    ["none of them", { limit: 0 }, "limit: expected a whole number from 1 to 1000"],
    ["too many", { limit: 1001 }, "limit"],
    ["as many as text", { limit: "5" }, "limit"],
  ])("asked for with %s is refused", async (_what, query, said) => {
    const { messages } = (await start()).system;
    for (const call of [messages.list(query as never), messages.listParked(query as never)]) {
      const error = await errorOf(call);
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(error.message).toContain(said);
    }
  });
});

describe("an id", () => {
  test.each([undefined, null, 5, {}, ["x"]])("that is none is refused: %s", async (id) => {
    const { messages } = (await start()).system;
    for (const name of ["cancel", "retry", "discard"] as const) {
      const error = await errorOf(messages[name](id as never));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    }
  });

  test("that waits, or is parked, is not sent again, and the commit goes on", async () => {
    const started = await start();
    const { system } = started;
    script.run = (ctx: { effect: Function; send: Function }) => {
      ctx.effect(list, "l").add("first", { id: "mine", delayMs: 1000 });
      ctx.effect(list, "l").add("second", { id: "mine" });
      ctx.send("nobody", { action: "add", id: "parked" });
    };
    await system.actor(scripted, "s").run();
    await system.actor(scripted, "s").run();
    await pass(started, 10);
    expect(await system.messages.listParked()).toHaveLength(1);
    await system.actor(scripted, "s").run();
    await pass(started, 2000);
    expect(await system.messages.listParked()).toHaveLength(1);
    expect(await system.actor(list, "l").get()).toEqual({ items: ["first"] });
    await expectOthersUnaffected(started);
  });

  test("that waits for another target is not taken away by a message to this one", async () => {
    const started = await start();
    const { system } = started;
    script.run = (ctx: { effect: Function }) =>
      ctx.effect(list, "one").add(1, { id: "x", delayMs: 50 });
    await system.actor(scripted, "s").run();
    script.run = (ctx: { effect: Function }) => ctx.effect(list, "two").add(2, { id: "x" });
    await system.actor(scripted, "s").run();
    await pass(started, 1000);
    expect(await system.actor(list, "one").get()).toEqual({ items: [1] });
    expect(await system.actor(list, "two").get()).toEqual({ items: [] });
  });

  test("of an actor without a state is sent once, too", async () => {
    const relay = actor("relay", {
      actions: {
        pass(ctx, item: number) {
          ctx.effect(list, "l").add(item, item === 1 ? { id: "x", delayMs: 50 } : { id: "x" });
        },
      },
    });
    const started = await startSystem([...actors, relay]);
    await started.system.actor(relay).pass(1);
    await started.system.actor(relay).pass(2);
    await pass(started, 1000);
    expect(await started.system.actor(list, "l").get()).toEqual({ items: [1] });
  });

  test("of its own keeps a message in line with those before and behind it", async () => {
    const started = await start();
    script.run = (ctx: { effect: Function; state: { runs: number } }) => {
      const { runs } = ctx.state;
      ctx.effect(list, "l").add(`${runs} before`);
      ctx.effect(list, "l").add(`${runs} named`, { id: `named-${runs}` });
      ctx.effect(list, "l").add(`${runs} behind`);
    };
    for (let run = 0; run < 3; run++) await started.system.actor(scripted, "s").run();
    script.run = (ctx: { effect: Function }) => ctx.effect(list, "l").add("last");
    await started.system.actor(scripted, "s").run();
    await pass(started, 1000);
    const ofRun = (run: number) => ["before", "named", "behind"].map((item) => `${run} ${item}`);
    const { items } = await started.system.actor(list, "l").get();
    expect(items).toEqual([...ofRun(1), ...ofRun(2), ...ofRun(3), "last"]);
  });

  test("that two actors and somebody outside give are three messages, each with an id of its own", async () => {
    const started = await start();
    const { system } = started;
    script.run = (ctx: { effect: Function; self: { name: string } }) =>
      ctx.effect(list, "l").add(ctx.self.name, { id: "remind", delayMs: 100 });
    const ids = [
      await system.actor(scripted, "one").run(),
      await system.actor(scripted, "two").run(),
      await system.effect(list, "l").add("outside", { id: "remind", delayMs: 100 }),
    ];
    expect(new Set(ids).size).toBe(3);
    expect(ids[2]).toBe("remind");
    expect(new Set((await system.messages.list()).map(({ id }) => id))).toEqual(new Set(ids));
    expect(await system.messages.cancel(ids[1] as string)).toBe(true);
    await pass(started, 1000);
    const { items } = await system.actor(list, "l").get();
    expect(new Set(items)).toEqual(new Set(["one", "outside"]));
  });

  test("that is unknown can be neither cancelled, retried nor discarded, and that is said", async () => {
    const { system } = await start();
    for (const id of ["never", "", "é", "\0", "x".repeat(100_000), "__proto__"]) {
      expect(await system.messages.cancel(id)).toBe(false);
      expect(await system.messages.retry(id)).toEqual([]);
      expect(await system.messages.discard(id)).toEqual([]);
    }
  });
});
