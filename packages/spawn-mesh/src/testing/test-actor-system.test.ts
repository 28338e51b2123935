import { expect, test } from "vitest";
import { actor } from "../sdk/actor.ts";
import { testActorSystem, type TestActorSystemOptions } from "./test-actor-system.ts";

const counter = actor("counter", {
  state: () => ({ n: 0 }),
  actions: { add: (ctx) => ++ctx.state.n },
});

test("a misspelt option is refused by name", async () => {
  const options = { actors: [counter], sed: 7 } as TestActorSystemOptions;
  await expect(testActorSystem(options)).rejects.toThrow(
    "testActorSystem: there is no option sed, did you mean seed?",
  );
});

test.each([-1, Number.NaN, Infinity, "5" as never])("time does not move by %s", async (ms) => {
  await using system = await testActorSystem({ actors: [counter] });
  const before = system.clock.wall();
  await expect(system.advance(ms)).rejects.toThrow("advance: expected milliseconds from 0");
  expect(system.clock.wall()).toBe(before);
});

test("options that are undefined are not given", async () => {
  const none = undefined;
  await using system = await testActorSystem({ actors: [counter], limits: none, name: none });
  expect(await system.actor(counter).add()).toBe(1);
});

test("systems side by side have names of their own, and keep them", async () => {
  const first = await testActorSystem({ actors: [counter] });
  const second = await testActorSystem({ actors: [counter] });
  expect([first.name, second.name]).toEqual(["test", "test-2"]);
  await Promise.all([first.restart(), second.crash()]);
  expect(await first.actor(counter).add()).toBe(1);
  expect(await second.actor(counter).add()).toBe(1);
  await Promise.all([first.stop(), second.stop()]);
  await using third = await testActorSystem({ actors: [counter] });
  expect(third.name).toBe("test");
});
