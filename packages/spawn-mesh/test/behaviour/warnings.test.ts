/** What a system tells about itself where nobody listens to its events. */
import { afterEach, expect, test } from "vitest";
import { actor, actorSystem } from "spawn-mesh";
import type { ActorSystem, EventListener } from "spawn-mesh";
import { FaultyStatestore } from "../../src/testing/faulty-statestore.ts";
import { memoryStatestore } from "../../src/statestores/memory/index.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { settled } from "./start-system.ts";

const list = actor("list", {
  kind: "unnamed",
  state: () => ({ items: 0 }),
  actions: {
    add(ctx): void {
      ctx.state.items++;
    },
    refuse(): void {
      throw new Error("the list is broken");
    },
  },
});

const heard: Error[] = [];
const hear = (warning: Error): void => void heard.push(warning);

async function started(onEvent?: EventListener) {
  process.on("warning", hear);
  const store = new FaultyStatestore(memoryStatestore());
  const clock = new VirtualClock();
  const options = { actors: [list], statestore: store, clock, onEvent };
  const system = actorSystem("quiet", options);
  await system.start();
  return { system, clock, store };
}

async function stopped(system: ActorSystem, clock: VirtualClock): Promise<void> {
  const stopping = system.stop();
  await clock.advance(10_000);
  await stopping;
}

afterEach(() => {
  process.off("warning", hear);
  heard.length = 0;
});

test("a message that fails is a warning with its reason, and once in a while one of its kind", async () => {
  const { system, clock } = await started();
  for (const name of ["a", "b", "c"]) await system.effect(list, name).refuse();
  await clock.advance(100);
  await settled();
  expect(heard).toHaveLength(1);
  expect(heard[0]).toMatchObject({ name: "SpawnMeshWarning", code: "message-failed" });
  expect(heard[0]!.message).toMatch(/^the system quiet: a message failed.*list is broken$/);
  await stopped(system, clock);
});

test("a statestore that fails is a warning, and so is its return; what happens every day is none", async () => {
  const { system, clock, store } = await started();
  await system.actor(list, "a").add();
  await settled();
  expect(heard).toEqual([]);
  store.fail("commit", { kind: "capacity" });
  await system
    .actor(list, "a")
    .add()
    .catch(() => undefined);
  await settled();
  expect(heard.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^the system quiet: the statestore failed \(commit\): /),
  ]);
  await system.actor(list, "a").add();
  await settled();
  expect(heard[1]).toMatchObject({ code: "store-recovered" });
  expect(heard[1]!.message).toMatch(/^the system quiet: the statestore stores again, \d+ ms after/);
  expect(heard).toHaveLength(2);
  await stopped(system, clock);
});

test("who listens is told, and nobody is warned", async () => {
  const types: string[] = [];
  const { system, clock } = await started(({ type }) => types.push(type));
  await system.effect(list, "a").refuse();
  await clock.advance(100);
  await settled();
  expect(types).toContain("message-failed");
  expect(heard).toEqual([]);
  await stopped(system, clock);
});
