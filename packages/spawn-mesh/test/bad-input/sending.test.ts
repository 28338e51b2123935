/** Sending where nothing can be sent, answers that contradict themselves, odd channels, functions that do not work. */
import { describe, expect, test } from "vitest";
import { actor, external, fail, reply } from "spawn-mesh";
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

describe("sending", () => {
  test.each<[string, (ctx: Record<string, Function>) => unknown]>([
    ["an effect", (ctx) => ctx["effect"]!(list, "l").add(1)],
    ["a message by name", (ctx) => ctx["send"]!("l", { definition: "list", action: "add" })],
    ["a broadcast", (ctx) => ctx["broadcast"]!("news", 1)],
    ["something outside", (ctx) => ctx["external"]!("mail", 1)],
    ["a reply with effects", () => reply(1).broadcast("news", 1)],
    ["a reply with a pipe", () => reply(1).pipe(list, "l", "add")],
    ["a pipe", (ctx) => ctx["pipe"]!(list, "l", "add")],
    ["a forward", (ctx) => ctx["forward"]!(list, "l", "add")],
  ])("%s from a read is refused, and nothing is sent", async (_what, send) => {
    const started = await start();
    script.run = send as typeof script.run;
    const error = await errorOf(started.system.actor(scripted, "s").look());
    expect(error).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
    expect(error.message).toContain("look is a read");
    await pass(started, 100);
    expect(await started.system.actor(list, "l").get()).toEqual({ items: [] });
    await expectOthersUnaffected(started);
  });

  test("from init sends nothing", async () => {
    const eager = actor("eager", {
      state: () => ({ n: 0 }),
      init(ctx) {
        ctx.effect(list, "l").add("from init");
      },
      actions: { add: (ctx) => ++ctx.state.n },
    });
    const started = await startSystem([...actors, eager]);
    expect(await started.system.actor(eager).add()).toBe(1);
    await pass(started, 10_000);
    expect(await started.system.actor(list, "l").get()).toEqual({ items: [] });
    await expectOthersUnaffected(started);
  });

  test.each<[string, (ctx: Record<string, Function>) => unknown]>([
    ["an effect", (ctx) => ctx["effect"]!(list, "l").add("late")],
    ["a message by name", (ctx) => ctx["send"]!("l", { definition: "list", action: "add" })],
    ["a broadcast", (ctx) => ctx["broadcast"]!("news", 1)],
    ["a pipe", (ctx) => ctx["pipe"]!(list, "l", "add")],
    ["something outside", (ctx) => ctx["external"]!("mail", 1)],
  ])("%s after the run has ended throws CANCELLED", async (_what, send) => {
    const started = await start();
    let kept: unknown;
    script.run = (ctx) => {
      kept = ctx;
    };
    await started.system.actor(scripted, "s").run();
    let thrown: unknown;
    try {
      send(kept as Record<string, Function>);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "CANCELLED" });
    await expectOthersUnaffected(started);
    expect(await started.system.actor(list, "l").get()).toEqual({ items: [] });
  });

  test("through a reference that was kept after its run has ended throws CANCELLED", async () => {
    const started = await start();
    let kept: { add(item: string): unknown };
    script.run = (ctx: { effect: Function }) => {
      kept = ctx.effect(list, "l");
    };
    await started.system.actor(scripted, "s").run();
    expect(() => kept.add("late")).toThrow(expect.objectContaining({ code: "CANCELLED" }));
  });
});

describe("reply()", () => {
  test("that answers with a pipe and a forward is refused", async () => {
    const started = await start();
    script.run = () => reply(1).pipe(list, "l", "add").forward(list, "l", "add");
    await expectRefused(started, { code: "INVALID_ARGUMENT", said: "chosen one already" });
  });

  test("in one run beside ctx.pipe is refused", async () => {
    const started = await start();
    script.run = (ctx: { pipe: Function }) => {
      ctx.pipe(list, "l", "add");
      return reply(1).forward(list, "m", "add");
    };
    await expectRefused(started, { code: "INVALID_ARGUMENT", said: "chosen one already" });
  });

  test("returned twice does its things twice, and each is a value of its own", async () => {
    const started = await start();
    const shared = reply("same").broadcast("nobody listens", 1);
    script.run = () => shared;
    const { system } = started;
    expect(await system.actor(scripted, "s").run()).toBe("same");
    expect(await system.actor(scripted, "s").run()).toBe("same");
    expect(await system.actor(scripted, "s").get()).toEqual({ runs: 2 });
  });

  test.each<[string, () => unknown]>([
    ["a reply", () => reply(reply(1) as never)],
    ["a list", () => [reply(1)]],
    ["an object", () => ({ a: reply(1) })],
  ])("inside of %s is refused", async (_what, answer) => {
    const started = await start();
    script.run = answer;
    await expectRefused(started, { code: "INVALID_ARGUMENT", said: "reply" });
  });

  test("with a value that cannot be copied is refused, with what it would have sent", async () => {
    const started = await start();
    script.run = () => reply(new Map()).broadcast("news", 1);
    await expectRefused(started, { code: "INVALID_ARGUMENT", said: "reply" });
  });

  test("whose pipe leads to an action that is not there is refused", async () => {
    const started = await start();
    script.run = () => reply(1).pipe(list, "l", "fly" as never);
    await expectRefused(started, { code: "ACTION_NOT_FOUND", said: "fly" });
  });

  test("thrown is an error of the action", async () => {
    const started = await start();
    const thrown: unknown = reply(1).broadcast("news", 1);
    script.run = () => {
      throw thrown;
    };
    await expectRefused(started, { code: "ACTION_FAILED", said: "" });
  });

  test("that ends in fail() sends nothing", async () => {
    const started = await start();
    script.run = (ctx: { effect: Function }) => {
      ctx.effect(list, "l").add(1);
      return fail("no");
    };
    await expectRefused(started, { code: "ACTION_FAILED", said: "no" });
  });
});

describe("a channel", () => {
  test.each([".", "*", ">", " ", "a/b", "é", "__proto__", "constructor", "🦕", "<channel>"])(
    "named %j is a name like any started, and reaches whoever listens",
    async (channel) => {
      const started = await start();
      const heard: unknown[] = [];
      started.system.subscribe(channel, ({ payload }) => heard.push(payload));
      script.run = (ctx: { broadcast: Function }) => ctx.broadcast(channel, "hello");
      await started.system.actor(scripted, "s").run();
      await started.system.publish(channel, "outside");
      await pass(started, 100);
      expect(heard).toEqual(["hello", "outside"]);
      await expectOthersUnaffected(started);
    },
  );

  test.each([
    ["", "at least one"],
    ["a\nb", "control"],
    ["\ud800", "surrogate"],
    [5, "a string"],
  ])("named %j is refused where it is used", async (channel, said) => {
    const started = await start();
    script.run = (ctx: { broadcast: Function }) => ctx.broadcast(channel, "hello");
    await expectRefused(started, { code: "INVALID_ARGUMENT", said });
    const published = started.system.publish(channel as string, "hello");
    expect((await errorOf(published)).message).toContain(said);
  });

  test.each([undefined, null, 5, "x", {}])("has no listener that is %s", async (listener) => {
    const { system } = await start();
    expect(() => system.subscribe("news", listener as never)).toThrow(
      "[INVALID_ARGUMENT] listener: expected a function",
    );
  });

  test("without subscribers takes a broadcast, and keeps nothing of it", async () => {
    const started = await start();
    await started.system.publish("nobody listens", "hello");
    await pass(started, 100);
    expect(await started.system.messages.list()).toEqual([]);
    expect(await started.system.messages.listParked()).toEqual([]);
  });
});

describe("a function outside", () => {
  test.each<[string, () => unknown, string]>([
    ["text", () => "no error at all", "no error at all"],
    ["nothing", () => undefined, "undefined"],
    ["an object without a prototype", () => Object.create(null), "cannot be printed"],
    ["an error with NUL", () => new Error("a\0b"), "a\ufffdb"],
  ])("that throws %s is tried again and parked", async (_what, thrown, said) => {
    const throwing = external("throwing", () => {
      throw thrown();
    });
    const limits = { messageAttemptsMax: 2 };
    const started = await start({ externals: [throwing], limits });
    script.run = (ctx: { external: Function }) => ctx.external(throwing, 1);
    await started.system.actor(scripted, "s").run();
    await pass(started, 10_000);
    const [parked] = await started.system.messages.listParked();
    expect(parked).toMatchObject({ attempts: 2, error: expect.stringContaining(said) });
    await expectOthersUnaffected(started);
  });

  test("that never ends is given up, and the next one of its actor is carried out", async () => {
    const done: unknown[] = [];
    const works = external("endless", async (payload: unknown) => {
      if (payload === "hang") await new Promise(() => undefined);
      done.push(payload);
    });
    const limits = { messageAttemptsMax: 1, externalTimeoutMs: 1000 };
    const started = await start({ externals: [works], limits });
    script.run = (ctx: { external: Function }) => {
      ctx.external(works, "hang");
      ctx.external(works, "next");
    };
    await started.system.actor(scripted, "s").run();
    await pass(started, 10_000);
    const [parked] = await started.system.messages.listParked();
    expect(parked?.error).toContain("endless took more than 1000 ms");
    expect(done).toEqual(["next"]);
    await expectOthersUnaffected(started);
  });

  test.each<[string, unknown, string]>([
    ["empty text", "", "at least one character"],
    ["a name with NUL", "a\0", "without control characters"],
    ["nothing", undefined, "a string"],
    ["null", null, "a string"],
    ["a number", 5, "a string"],
    ["an object", {}, "a string"],
  ])("that is %s is refused where it is used", async (_what, name, said) => {
    const started = await start();
    script.run = (ctx: { external: Function }) => ctx.external(name, 1);
    await expectRefused(started, { code: "INVALID_ARGUMENT", said });
  });
});
