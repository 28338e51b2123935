import { expectTypeOf, test } from "vitest";
import { actor, actorSystem } from "spawn-mesh";
import type { ActorList, ListedActor, ManyResult } from "spawn-mesh";

const person = actor("person", {
  kind: "unnamed",
  state: () => ({
    email: null as string | null,
    age: 0,
    isOpen: false,
    stage: "new" as "new" | "old",
  }),
  index: (state) => ({
    email: state.email,
    age: state.age,
    isOpen: state.isOpen,
    stage: state.stage,
  }),
  actions: {
    grow(ctx, by: number) {
      ctx.state.age += by;
      return ctx.state.age;
    },
  },
});

const plain = actor("plain", { kind: "unnamed", state: () => ({ n: 0 }), actions: {} });

const system = actorSystem("types", { actors: [person, plain] });

test("actors are found by the fields that their definition declares", () => {
  expectTypeOf(system.find(person, { email: "x" })).resolves.toEqualTypeOf<ActorList>();
  void system.find(person, { age: 7, isOpen: true, stage: "new" });
  void system.find(person, { age: { from: 18, below: 65 }, email: { from: "a" } });
  void system.find(person, { age: { below: 65 } }, { limit: 10, after: "x", tags: { a: "b" } });
  // @ts-expect-error: no such field
  void system.find(person, { mail: "x" });
  // @ts-expect-error: the field has another type
  void system.find(person, { age: "7" });
  // @ts-expect-error: what is null is not found
  void system.find(person, { email: null });
  // @ts-expect-error: one of the values that there are
  void system.find(person, { stage: "newer" });
  // @ts-expect-error: a range has bounds of the type of the field
  void system.find(person, { age: { from: "a" } });
  // @ts-expect-error: booleans have no ranges
  void system.find(person, { isOpen: { from: true } });
  // @ts-expect-error: a range is from and below
  void system.find(person, { age: { above: 7 } });
  // @ts-expect-error: the definition declares no index
  void system.find(plain, { n: 7 });
});

test("options that are not known yet may be undefined, conditions may not", () => {
  const { signal, after }: { signal?: AbortSignal; after?: string } = {};
  void system.find(person, { age: 7 }, { limit: undefined, after });
  void system.actors.forEach(person, () => {}, {
    concurrency: undefined,
    limit: undefined,
    signal,
  });
  void system.reindex(person, { after, signal });
  void system.reencrypt({ rowsPerSecondMax: undefined, signal });
  void system.checkMigrations({ definitions: undefined, signal });
  // @ts-expect-error: it would mean all of them
  void system.actors.purge(person, { changedBefore: undefined });
});

test("an index holds strings, numbers, booleans and null", () => {
  actor("a", { state: () => ({ n: 0 }), index: ({ n }) => ({ n, odd: n % 2 === 1 }), actions: {} });
  // @ts-expect-error: a list is no value of an index
  actor("b", { state: () => ({ list: [1] }), index: ({ list }) => ({ list }), actions: {} });
  // @ts-expect-error: the state has no such field
  actor("c", { state: () => ({ n: 0 }), index: (state) => ({ m: state.m }), actions: {} });
  // @ts-expect-error: a pooled actor has no state
  actor("d", { kind: "pooled", index: () => ({ n: 1 }), actions: {} });
});

test("what acts on many has the references of the definition", () => {
  void (async () => {
    for await (const found of system.actors.all(person, { where: { age: 7 } })) {
      expectTypeOf(found).toExtend<ListedActor>();
      expectTypeOf(found.ref.grow(1)).resolves.toBeNumber();
    }
  });
  const acting = system.actors.forEach(person, (ref) => ref.grow(1), {
    where: { age: { from: 3 } },
    limit: 10,
  });
  expectTypeOf(acting).resolves.toEqualTypeOf<ManyResult>();
  // @ts-expect-error: no such action
  void system.actors.forEach(person, (ref) => ref.shrink());
  // @ts-expect-error: the definition declares no index
  void system.actors.purge(plain, { where: { n: 7 } });
  // @ts-expect-error: which ones has to be said, if only as {}
  void system.actors.purge(plain);
  void system.actors.purge(plain, { changedBefore: 7, dryRun: true });
});
