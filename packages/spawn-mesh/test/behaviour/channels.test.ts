/** Broadcasts: once to every subscriber, in order, whatever dies; and code outside that listens and publishes. */
import { describe, expect, test } from "vitest";
import { actor, reply } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import { StoreFailure } from "spawn-mesh/engine";
import { crashAndRestart, errorOf, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

const editor = actor("editor", {
  state: () => ({ said: 0 }),
  actions: {
    say(ctx, lines: string[]) {
      ctx.state.said += lines.length;
      for (const line of lines) ctx.broadcast("news", line);
    },
    built: (ctx, line: string) => {
      ctx.state.said++;
      return reply(line.length).broadcast("news", line);
    },
    receive(ctx, _line: string) {
      ctx.state.said += 100;
    },
  },
  channels: ["news"],
});

const reader = actor("reader", {
  kind: "unnamed",
  state: () => ({ heard: [] as string[], hasJoined: false }),
  actions: {
    join(ctx) {
      ctx.state.hasJoined = true;
    },
    hear(ctx, line: string) {
      ctx.state.heard.push(`${line} ${ctx.caller?.name ?? "outside"}`);
    },
  },
  channels: [{ channel: "news", action: "hear" }],
});

const gate = actor("gate", {
  state: () => ({ isShut: false }),
  actions: {
    receive(ctx, line: string) {
      if (line === "shut") ctx.state.isShut = true;
    },
  },
  channels: ["orders"],
});

const actors = [editor, reader, gate];

async function heardBy(system: ActorSystem, name: string): Promise<readonly string[]> {
  return (await system.actor(reader, name).get()).heard;
}

async function pass({ clock }: StartedSystem, ms: number): Promise<void> {
  for (let step = 0; step < 10; step++) await clock.advance(ms / 10);
  await settled();
}

describe("a broadcast", () => {
  test("reaches every subscriber once and in order, the one who sent it too", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    for (const name of ["ann", "bob"]) await system.actor(reader, name).join();
    await system.actor(editor).say(["one", "two"]);
    expect(await system.actor(editor).built("three")).toBe(5);
    await pass(started, 100);
    for (const name of ["ann", "bob"]) {
      expect(await heardBy(system, name)).toEqual(["one editor", "two editor", "three editor"]);
    }
    expect((await system.actor(editor).get()).said).toBe(303);
    expect(await heardBy(system, "never called")).toEqual([]);
    expect((await system.actor(gate).get()).isShut).toBe(false);
    expect(await system.messages.list()).toEqual([]);
  });

  test("reaches all of very many, though its process dies in between", async () => {
    const first = await startSystem(actors);
    const names = Array.from({ length: 600 }, (_, index) => `r${index}`);
    await Promise.all(names.map((name) => first.system.actor(reader, name).join()));
    await first.system.actor(editor).say(["one"]);
    first.store.fail("messages", { times: 2 });
    await first.clock.advance(0);
    await first.clock.advance(0);
    const second = await crashAndRestart(first, actors);
    for (let second_ = 0; second_ < 12; second_++) await pass(second, 1_000);
    const heard = await Promise.all(names.map((name) => heardBy(second.system, name)));
    expect(new Set(heard.map(String))).toEqual(new Set(["one editor"]));
    expect(await second.system.messages.list()).toEqual([]);
  });

  test("that is large does not go to more subscribers at once than a group of messages holds", async () => {
    const started = await startSystem(actors, { limits: { commitUnitsMax: 2_000 } });
    const { system, store } = started;
    const names = Array.from({ length: 7 }, (_, index) => `r${index}`);
    for (const name of names) await system.actor(reader, name).join();
    const counts: number[] = [];
    const replace = store.messages.replace.bind(store.messages);
    Object.assign(store.messages, {
      async replace(...[message, messages, outcome]: Parameters<typeof replace>) {
        counts.push(messages.length);
        return await replace(message, messages, outcome);
      },
    });
    const line = "x".repeat(300);
    await system.publish("news", line);
    await pass(started, 1_000);
    for (const name of names) expect(await heardBy(system, name)).toEqual([`${line} outside`]);
    // Three of them and the rest each time; the editor hears it too.
    expect(counts).toEqual([4, 4, 2]);
  });

  test("that goes to fewer at once than the next one is not overtaken by it", async () => {
    const started = await startSystem(actors, { limits: { commitUnitsMax: 2_000 } });
    const { system } = started;
    const names = Array.from({ length: 7 }, (_, index) => `r${index}`);
    for (const name of names) await system.actor(reader, name).join();
    const lines = ["x".repeat(1_500), "short", "x".repeat(300)];
    await system.actor(editor).say(lines);
    for (let second = 0; second < 8; second++) await pass(started, 1_000);
    const heard = await Promise.all(names.map((name) => heardBy(system, name)));
    for (const each of heard) expect(each).toEqual(lines.map((line) => `${line} editor`));
  });

  test("that the statestore cannot hold is given up, and what is said behind it arrives", async () => {
    const started = await startSystem(actors);
    const { system, store } = started;
    await system.actor(reader, "ann").join();
    const replace = store.messages.replace.bind(store.messages);
    Object.assign(store.messages, {
      async replace(...[message, messages, outcome]: Parameters<typeof replace>) {
        if (JSON.stringify(messages).includes("too long"))
          throw new StoreFailure("rows", "too large");
        return await replace(message, messages, outcome);
      },
    });
    await system.actor(editor).say(["too long", "short"]);
    await pass(started, 1_000);
    expect(await heardBy(system, "ann")).toEqual(["short editor"]);
    expect(await system.messages.listParked()).toMatchObject([
      { target: { name: "news" }, error: expect.stringContaining("too large") },
    ]);
  });

  test("does not reach an actor that was deleted", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.actor(reader, "ann").join();
    await system.stored(reader, "ann").delete();
    await system.actor(editor).say(["one"]);
    await pass(started, 100);
    expect(await heardBy(system, "ann")).toEqual([]);
  });

  test("that an action publishes through the system is part of its commit", async () => {
    const host: { system?: ActorSystem } = {};
    const author = actor("author", {
      state: () => ({ lines: 0 }),
      actions: {
        async publish(ctx, { line, isBad }: { line: string; isBad: boolean }) {
          ctx.state.lines++;
          await host.system!.publish("news", line);
          if (isBad) throw new Error("withdrawn");
        },
      },
    });
    const started = await startSystem([...actors, author]);
    const { system } = started;
    host.system = system;
    const heard: unknown[] = [];
    system.subscribe("news", ({ payload, publisher }) => heard.push([payload, publisher?.name]));
    await errorOf(system.actor(author).publish({ line: "false", isBad: true }));
    await system.actor(author).publish({ line: "true", isBad: false });
    await pass(started, 10);
    expect(heard).toEqual([["true", "author"]]);
  });
});

describe("code outside", () => {
  test("publishes to actors, and hears what they and others say until it stops listening", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const heard: unknown[] = [];
    const end = system.subscribe("news", ({ payload, publisher }) => {
      heard.push([payload, publisher?.name]);
    });
    await system.actor(reader, "ann").join();
    await system.publish("news", { text: "hello" });
    await pass(started, 100);
    await system.actor(editor).say(["one"]);
    await pass(started, 100);
    expect(heard).toEqual([
      [{ text: "hello" }, undefined],
      ["one", "editor"],
    ]);
    expect(await heardBy(system, "ann")).toEqual(["[object Object] outside", "one editor"]);
    end();
    await system.publish("news", "unheard");
    await pass(started, 100);
    expect(heard).toHaveLength(2);
  });

  test("whose listener throws hurts nobody", async () => {
    const started = await startSystem(actors);
    const { system, events } = started;
    const heard: unknown[] = [];
    system.subscribe("orders", () => {
      throw new Error("not me");
    });
    system.subscribe("orders", ({ payload }) => heard.push(payload));
    await system.publish("orders", "shut");
    await pass(started, 100);
    expect(heard).toEqual(["shut"]);
    expect((await system.actor(gate).get()).isShut).toBe(true);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "listener-failed", channel: "orders" }),
    );
  });

  test("has to name a channel, with a payload that is a value", async () => {
    const { system } = await startSystem(actors);
    expect(await errorOf(system.publish("", 1))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await errorOf(system.publish("news", new Map()))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(() => system.subscribe("", () => undefined)).toThrow("channel name");
  });
});
