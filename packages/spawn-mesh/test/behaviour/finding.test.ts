/** Finding actors: by what is kept in clear of them, and by declared indexes. */
import { describe, expect, test } from "vitest";
import { actor, fail } from "spawn-mesh";
import type { ActorList } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import { crashAndRestart, errorOf, failureOf, startSystem } from "./start-system.ts";

const person = actor("person", {
  kind: "unnamed",
  state: () => ({ email: null as string | null, age: 0, isOpen: false, notes: 0 }),
  index: ({ email, age, isOpen }) => ({ email, age, isOpen }),
  revisionsKept: 0,
  actions: {
    become(ctx, values: { email?: string; age?: number; isOpen?: boolean }) {
      Object.assign(ctx.state, values);
      ctx.tags = { plan: ctx.state.age < 18 ? "free" : "pro" };
    },
    note(ctx) {
      ctx.state.notes++;
    },
    mistake(ctx) {
      ctx.state.age = 99;
      return fail("no");
    },
    look: (ctx) => ctx.state.email,
  },
});

const plain = actor("plain", {
  kind: "unnamed",
  state: () => ({ n: 0 }),
  actions: { add: (ctx, by: number) => (ctx.state.n += by) },
});

const namesOf = ({ actors }: ActorList): readonly string[] => actors.map(({ name }) => name);

describe("a declared index", () => {
  test("finds actors by values and ranges, and is as the last committed state", async () => {
    const { system } = await startSystem([person]);
    await system.actor(person, "ann").become({ email: "ann@x", age: 17, isOpen: true });
    await system.actor(person, "bob").become({ email: "bob@x", age: 30 });
    await system.actor(person, "eve").become({ age: 64, isOpen: true });
    expect(namesOf(await system.find(person, { email: "bob@x" }))).toEqual(["bob"]);
    expect(namesOf(await system.find(person, { age: { from: 17, below: 64 } }))).toEqual([
      "ann",
      "bob",
    ]);
    expect(namesOf(await system.find(person, { age: { from: 18 }, isOpen: true }))).toEqual([
      "eve",
    ]);
    await system.actor(person, "ann").become({ email: "new@x", age: 18 });
    await expect(system.actor(person, "bob").mistake()).rejects.toThrow("no");
    expect(namesOf(await system.find(person, { email: "ann@x" }))).toEqual([]);
    expect(namesOf(await system.find(person, { age: { from: 18, below: 31 } }))).toEqual([
      "ann",
      "bob",
    ]);
  });

  test("goes from page to page, with other conditions besides", async () => {
    const { system } = await startSystem([person]);
    for (let age = 0; age < 7; age++)
      await system.actor(person, `p${age}`).become({ age: age * 5 });
    const where = { age: { from: 5 } };
    const first = await system.find(person, where, { limit: 2 });
    const second = await system.find(person, where, { limit: 3, after: first.after! });
    expect([namesOf(first), namesOf(second)]).toEqual([
      ["p1", "p2"],
      ["p3", "p4", "p5"],
    ]);
    const free = await system.find(person, where, { tags: { plan: "free" } });
    expect(namesOf(free)).toEqual(["p1", "p2", "p3"]);
  });

  test("is written only when it differs, and by the first commit of an activation", async () => {
    const started = await startSystem([person]);
    const ann = started.system.actor(person, "ann");
    await ann.become({ age: 7 });
    await ann.note();
    await ann.become({ age: 8 });
    const after = await crashAndRestart(started, [person]);
    await after.system.actor(person, "ann").note();
    const written = [...started.store.commits, ...after.store.commits].map(
      ({ index }) => index !== undefined,
    );
    expect(written).toEqual([true, false, true, true]);
  });

  test("costs an actor without one nothing", async () => {
    const { system, store } = await startSystem([plain]);
    await system.actor(plain, "one").add(1);
    expect(store.commits.map(({ index }) => index)).toEqual([undefined]);
  });

  test("is forgotten with the actor", async () => {
    const { system } = await startSystem([person]);
    await system.actor(person, "ann").become({ age: 7 });
    await system.stored(person, "ann").delete();
    expect(namesOf(await system.find(person, { age: 7 }))).toEqual([]);
    expect(await system.actor(person, "ann").get()).toMatchObject({ age: 0 });
    await system.actor(person, "ann").note();
    expect(namesOf(await system.find(person, { age: 0 }))).toEqual(["ann"]);
  });

  test("is that of the state which is stored when a commit was lost and is resolved", async () => {
    const { system, store, clock } = await startSystem([person]);
    const ann = system.actor(person, "ann");
    await ann.become({ age: 1 });
    store.fail("commit", { isApplied: true });
    const call = ann.become({ age: 2 });
    await clock.advance(1_000);
    await call;
    store.fail("commit", { kind: "capacity" });
    expect(await failureOf(ann.become({ age: 3 }))).toBe("STATESTORE_UNAVAILABLE no");
    expect(namesOf(await system.find(person, { age: 2 }))).toEqual(["ann"]);
    await ann.note();
    expect(namesOf(await system.find(person, { age: 2 }))).toEqual(["ann"]);
    await ann.become({ age: 4 });
    expect(namesOf(await system.find(person, { age: 4 }))).toEqual(["ann"]);
    expect(namesOf(await system.find(person, { age: 2 }))).toEqual([]);
  });

  test("belongs to what a timer that begins commits, and to what init made of the state", async () => {
    const ticker = actor("ticker", {
      kind: "unnamed",
      state: () => ({ stage: "new" }),
      init(ctx) {
        ctx.state.stage = "begun";
      },
      index: ({ stage }) => ({ stage }),
      actions: { tick: () => undefined, look: (ctx) => ctx.state.stage },
      timers: [{ action: "tick", everyMs: 60_000 }],
    });
    const { system, clock } = await startSystem([ticker]);
    await system.actor(ticker, "one").look();
    await clock.advance(10);
    expect(namesOf(await system.find(ticker, { stage: "begun" }))).toEqual(["one"]);
  });

  test("is written by a write-behind actor with its state", async () => {
    const behind = actor("behind", {
      kind: "unnamed",
      durability: "write-behind",
      snapshotTimeoutMs: 1_000,
      state: () => ({ n: 0 }),
      index: ({ n }) => ({ n }),
      actions: {
        add(ctx, by: number) {
          ctx.state.n += by;
        },
      },
    });
    const { system, clock, store } = await startSystem([behind]);
    const one = system.actor(behind, "one");
    await one.add(1);
    expect(namesOf(await system.find(behind, { n: 1 }))).toEqual([]);
    store.fail("commit", { kind: "capacity" });
    await one.add(1);
    await clock.advance(5_000);
    expect(namesOf(await system.find(behind, { n: 2 }))).toEqual(["one"]);
  });
});

describe("an index that cannot be made", () => {
  const odd = actor("odd", {
    kind: "unnamed",
    state: () => ({ value: "" as unknown as string }),
    index: ({ value }) => {
      if (value === "throw") throw new RangeError("not this one");
      return { value };
    },
    actions: {
      put(ctx, value: string | object) {
        ctx.state.value = value as string;
      },
    },
  });

  test.each<[string | object, string, string]>([
    ["throw", "ACTION_FAILED", "not this one"],
    [{ an: "object" }, "INVALID_ARGUMENT", "index.value"],
    ["x".repeat(513), "PAYLOAD_TOO_LARGE", "512"],
    ["é".repeat(257), "PAYLOAD_TOO_LARGE", "512"],
  ])("fails the action for %j and changes nothing", async (value, code, says) => {
    const { system } = await startSystem([odd]);
    const one = system.actor(odd, "one");
    await one.put("before");
    const error = await errorOf(one.put(value));
    expect([error.code, error.applied]).toEqual([code, "no"]);
    expect(error.message).toContain(says);
    expect(await one.get()).toEqual({ value: "before" });
    expect(namesOf(await system.find(odd, { value: "before" }))).toEqual(["one"]);
    await one.put("é".repeat(256));
    expect(namesOf(await system.find(odd, { value: "é".repeat(256) }))).toEqual(["one"]);
  });

  test("has too many fields, or odd names of fields", async () => {
    const wide = actor("wide", {
      state: () => ({ fields: {} as Record<string, number> }),
      index: ({ fields }) => fields,
      actions: {
        put(ctx, fields: Record<string, number>) {
          ctx.state.fields = fields;
        },
      },
    });
    const { system } = await startSystem([wide]);
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`f${at}`, at]));
    for (const fields of [many, { "": 1 }, { "a\u0000": 1 }, { ["f".repeat(65)]: 1 }])
      expect(await failureOf(system.actor(wide).put(fields))).toBe("INVALID_ARGUMENT no");
    await system.actor(wide).put({ ["f".repeat(64)]: 1 });
  });

  test("lets a state be read and mended that was stored before there was an index", async () => {
    const inner = memoryStatestore();
    const before = actor("odd", {
      kind: "unnamed",
      state: () => ({ value: "throw" }),
      actions: {
        touch: (ctx) => void (ctx.state.value = "throw"),
        begin: (ctx) => void (ctx.tags = { a: "b" }),
      },
    });
    const old = await startSystem([before], { inner });
    await old.system.actor(before, "one").begin();
    const { system } = await crashAndRestart(old, [odd]);
    expect(await system.actor(odd, "one").get()).toEqual({ value: "throw" });
    await system.actor(odd, "one").put("mended");
    expect(namesOf(await system.find(odd, { value: "mended" }))).toEqual(["one"]);
  });

  test("is not asked for by an action that leaves such a state as it is", async () => {
    const inner = memoryStatestore();
    const before = actor("odd", {
      kind: "unnamed",
      state: () => ({ value: "throw" }),
      actions: { begin: (ctx) => void (ctx.tags = { a: "b" }) },
    });
    const old = await startSystem([before], { inner });
    await old.system.actor(before, "one").begin();
    const { system } = await crashAndRestart(old, [odd]);
    const got = system.actor(odd, "one").get(undefined, { idempotencyKey: "k" });
    expect(await got).toEqual({ value: "throw" });
  });
});

describe("the list of actors", () => {
  test("tells what is known without a state, and what is in memory here", async () => {
    const { system, clock } = await startSystem([person, plain]);
    await system.actor(person, "ann").become({ age: 20 });
    await system.actor(plain, "one").add(1);
    const { actors } = await system.actors.list({ definition: "person" });
    expect(actors).toEqual([
      {
        definition: "person",
        name: "ann",
        status: "stored",
        isActive: true,
        revision: 1,
        changedAt: clock.wall(),
        tags: { plan: "pro" },
      },
    ]);
    expect(namesOf(await system.actors.list()).toSorted()).toEqual(["ann", "one"]);
    await clock.advance(30_000);
    expect((await system.actors.list({ definition: "person" })).actors[0]?.isActive).toBe(false);
    await system.stored(person, "ann").delete();
    expect(namesOf(await system.actors.list())).toEqual(["one"]);
    const { actors: gone } = await system.actors.list({ status: "deleted" });
    expect(gone).toMatchObject([{ name: "ann", status: "deleted", tags: {} }]);
  });

  test("can be asked by tags and times, page by page", async () => {
    const { system, clock } = await startSystem([person]);
    for (let age = 10; age < 30; age++) {
      await system.actor(person, `a${age}`).become({ age });
      await clock.advance(100);
    }
    const changedAfter = clock.wall() - 1_001;
    const tags = { plan: "pro" };
    const query = { definition: "person", tags, changedAfter, limit: 4 };
    const first = await system.actors.list(query);
    const rest = await system.actors.list({ ...query, limit: 100, after: first.after! });
    expect([...namesOf(first), ...namesOf(rest)].toSorted()).toEqual(
      Array.from({ length: 10 }, (_, at) => `a${20 + at}`),
    );
    const early = await system.actors.list({ changedBefore: changedAfter, limit: 1000 });
    expect(early.actors).toHaveLength(10);
  });

  test("goes through all with references", async () => {
    const { system } = await startSystem([plain]);
    for (let n = 0; n < 150; n++) await system.actor(plain, `p${n}`).add(n);
    let sum = 0;
    for await (const { ref } of system.actors.all(plain)) sum += (await ref.get()).n;
    expect(sum).toBe((149 * 150) / 2);
  });
});

describe("a question that makes no sense is refused", () => {
  test.each<[object]>([
    [{ definitions: "x" }],
    [{ limit: 0 }],
    [{ limit: 1_001 }],
    [{ status: "active" }],
    [{ tags: { a: 1 } }],
    [{ changedAfter: "yesterday" }],
    [{ changedBefore: Number.NaN }],
    [{ where: { a: 1 } }],
    [{ after: 7 }],
    [{ after: "nonsense" }],
    [{ definition: 7 }],
    [{ definition: "person", where: { a: null } }],
    [{ definition: "person", where: { a: {} } }],
    [{ definition: "person", where: { a: undefined } }],
    [{ definition: "person", where: { a: { from: 1, below: "2" } } }],
    [{ definition: "person", where: { a: { from: true } } }],
    [{ definition: "person", where: { a: { form: 1 } } }],
    [{ definition: "person", where: { a: Number.NaN } }],
    [{ definition: "person", where: { a: "\ud800" } }],
  ])("%j", async (query) => {
    const { system } = await startSystem([person]);
    await system.actor(person, "ann").become({ age: 1 });
    expect(await failureOf(system.actors.list(query))).toBe("INVALID_ARGUMENT no");
  });

  test("for a definition that is not of the system, and values that are too long", async () => {
    const { system } = await startSystem([person]);
    expect(await failureOf(system.find(plain, {} as never))).toBe("ACTOR_NOT_FOUND no");
    expect(await failureOf(system.find(person, {}))).toBe("INVALID_ARGUMENT no");
    expect(await failureOf(system.find(person, { email: "x".repeat(513) }))).toBe(
      "PAYLOAD_TOO_LARGE no",
    );
  });
});

describe("a statestore that fails", () => {
  test("fails the question, and the next one goes on", async () => {
    const { system, store } = await startSystem([person]);
    await system.actor(person, "ann").become({ age: 1 });
    store.fail("queries", { kind: "retry" });
    expect(await failureOf(system.find(person, { age: 1 }))).toBe("STATESTORE_UNAVAILABLE no");
    expect(namesOf(await system.find(person, { age: 1 }))).toEqual(["ann"]);
  });
});

test("what is only read changes nothing, whatever fails", async () => {
  const { system, store } = await startSystem([person]);
  store.fail("queries", { kind: "ambiguous" });
  expect(await failureOf(system.actors.list())).toBe("STATESTORE_UNAVAILABLE no");
});

test.each([
  [{ email: null }, "where.email: expected a string, a finite number or a boolean, got null"],
  [
    { email: undefined },
    "where.email: expected a string, a finite number or a boolean, got undefined",
  ],
  [{ age: Infinity }, "where.age: expected a string, a finite number or a boolean, got Infinity"],
  [{ email: "e".repeat(600) }, "where.email: expected a string of at most 512 bytes"],
])("a value that is in no index is refused as what it is asked by: %j", async (where, reason) => {
  const { system } = await startSystem([person]);
  const error = await errorOf(system.find(person, where as object));
  expect(error.message).toContain(reason);
});

test("nothing is found by an index that is not declared, and that is said", async () => {
  const { system } = await startSystem([plain]);
  const error = await errorOf(system.find(plain, { n: 1 } as never));
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(error.message).toContain("find plain: it declares no index");
});
