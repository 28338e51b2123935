/** Actions that share what they should copy, and forget what they should wait for. */
import { actor, actorSystem } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import type { EngineEvent } from "spawn-mesh";
import { expect, test } from "vitest";

const NOTHING: { items: string[] } = { items: [] };

const list = actor("list", {
  kind: "unnamed",
  state: () => ({ items: [] as string[] }),
  actions: {
    clear(ctx): void {
      ctx.state = NOTHING;
    },
    add(ctx, item: string): string[] {
      ctx.state.items.push(item);
      return ctx.state.items;
    },
    addElsewhere(ctx, name: string): void {
      void ctx.actor(list, name).add("x");
    },
  },
});

test("a constant that is assigned as the state stays what it is", async () => {
  await using system = actorSystem("careless", { actors: [list], statestore: memoryStatestore() });
  await system.start();
  await system.actor(list, "a").clear();
  await system.actor(list, "a").add("1");
  await system.actor(list, "b").clear();
  expect(await system.actor(list, "b").add("2")).toEqual(["2"]);
  expect(NOTHING).toEqual({ items: [] });
});

test("a call that the action did not wait for ends with it, is told, and ends nothing else", async () => {
  const events: EngineEvent[] = [];
  await using system = actorSystem("careless", {
    actors: [list],
    statestore: memoryStatestore(),
    onEvent: (event) => events.push(event),
  });
  await system.start();
  await system.actor(list, "a").addElsewhere("b");
  expect(await system.actor(list, "b").get()).toEqual({ items: [] });
  expect(events).toContainEqual(
    expect.objectContaining({ type: "async-failed", action: "addElsewhere" }),
  );
});

test("init of a stateless actor runs before its first action", async () => {
  const ran: string[] = [];
  const greeter = actor("greeter", {
    init: () => void ran.push("init"),
    actions: { greet: () => void ran.push("greet") },
  });
  await using system = actorSystem("careless", {
    actors: [greeter],
    statestore: memoryStatestore(),
  });
  await system.start();
  const call = system.actor(greeter).greet();
  expect(ran).toEqual([]);
  await call;
  expect(ran).toEqual(["init", "greet"]);
});

test("a system that is stopped while it starts stops", async () => {
  const system = actorSystem("careless", { actors: [list], statestore: memoryStatestore() });
  const starting = system.start();
  await system.stop();
  await starting;
  await expect(system.actor(list, "a").get()).rejects.toThrow("SHUTTING_DOWN");
});
