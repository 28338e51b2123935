/** Names that people and attackers use: each is an actor of its own, or refused in plain words. */
import { describe, expect, test } from "vitest";
import { actor, actorSystem, isSpawnError } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import { crashAndRestart, errorOf, startSystem } from "../behaviour/start-system.ts";

const user = actor("user", {
  kind: "unnamed",
  state: () => ({ n: 0 }),
  actions: { bump: (ctx) => ++ctx.state.n, self: (ctx) => ctx.self.name },
});

const goodNames: readonly string[] = [
  "a",
  ".",
  "*",
  ">",
  "a.b",
  "a b",
  " ",
  "joe",
  "Joe",
  "joe ",
  "é".normalize("NFC"),
  "é".normalize("NFD"),
  "🙂",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "toString",
  "then",
  "null",
  "undefined",
  "0",
  "a/b",
  "user/a",
  "' OR 1=1 --",
  "../../etc/passwd",
  "<b>",
  "\u00a0",
  "\u200b",
  "\ufeffbom",
  "x".repeat(1_024),
  "é".repeat(512),
  "🙂".repeat(256),
];

const badNames: readonly [string, unknown, string][] = [
  ["an empty one", "", "at least one character"],
  ["1 025 bytes", "x".repeat(1_025), "at most 1024 bytes"],
  ["1 026 bytes of two-byte letters", "é".repeat(513), "at most 1024 bytes"],
  ["1 028 bytes of emoji", "🙂".repeat(257), "at most 1024 bytes"],
  ["NUL", "a\0b", "control characters"],
  ["a line break", "a\nb", "control characters"],
  ["CR LF", "a\r\nb", "control characters"],
  ["DEL", "a\u007fb", "control characters"],
  ["half a surrogate pair", "a\ud800", "half surrogate pairs"],
  ["the other half", "\udc00a", "half surrogate pairs"],
  ["a number", 42, "a string"],
  ["undefined", undefined, "a string"],
  ["null", null, "a string"],
  ["an object", {}, "a string"],
  ["an array of one name", ["a"], "a string"],
];

/** The error of something that throws at once. */
function thrownBy(action: () => unknown): { code: string; applied: string; message: string } {
  try {
    action();
  } catch (error) {
    if (isSpawnError(error)) return error;
    throw error;
  }
  throw new Error("expected it to throw");
}

describe("every good name", () => {
  test("is an instance of its own, also after a restart and when called by name", async () => {
    const before = await startSystem([user]);
    for (const [index, name] of goodNames.entries())
      for (let n = 0; n <= index; n++) await before.system.actor(user, name).bump();
    const life = await crashAndRestart(before, [user]);
    const found = await Promise.all(
      goodNames.map(async (name, index) => {
        const request = { definition: "user", action: "self" };
        expect(await life.system.invoke(name, request)).toBe(name);
        return (await life.system.actor(user, name).get()).n - index;
      }),
    );
    expect(found).toEqual(goodNames.map(() => 1));
  });

  test.each(goodNames.filter((name) => name.length < 20))(
    "%j is the name of an actor and of a system too",
    async (name) => {
      const named = actor(name, { state: () => ({ n: 0 }), actions: { bump: (c) => ++c.state.n } });
      const life = await startSystem([named], { name });
      expect(await life.system.actor(named).bump()).toBe(1);
      expect(await life.system.invoke(name, { action: "bump" })).toBe(2);
      expect(await life.system.invoke(name, { action: "bump", system: name })).toBe(3);
    },
  );

  test("tells normal forms, cases and blanks apart", () => {
    expect(new Set(goodNames).size).toBe(goodNames.length);
  });
});

describe.each(badNames)("a name that is %s", (_what, name, expected) => {
  const asName = name as string;

  test("is refused for an instance, and the system goes on", async () => {
    const { system, store } = await startSystem([user]);
    const thrown = thrownBy(() => system.actor(user, asName));
    const rejected = await errorOf(system.invoke(asName, { definition: "user", action: "bump" }));
    for (const error of [thrown, rejected, thrownBy(() => system.stored(user, asName))]) {
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
      expect(error.message).toContain(expected);
    }
    expect(await system.actor(user, "good").bump()).toBe(1);
    expect(store.commits).toHaveLength(1);
  });

  test("is refused for an actor and for a system", () => {
    const makeActor = () => actor(asName, { actions: {} });
    const makeSystem = () => actorSystem(asName, { actors: [], statestore: memoryStatestore() });
    for (const error of [thrownBy(makeActor), thrownBy(makeSystem)])
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
  });
});

describe("the name of an action", () => {
  test.each(["then", "constructor", "__proto__", "toString"])("cannot be %s", (name) => {
    const error = thrownBy(() => actor("a", { actions: { [name]: () => 1 } }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain(JSON.stringify(name));
  });

  test.each([
    "hasOwnProperty",
    "valueOf",
    "a b",
    "ä",
    "🙂",
    "catch",
    "prototype",
    "x".repeat(1_024),
  ])("can be %s", async (name) => {
    const odd = actor("odd", { actions: { [name]: () => "ran" } });
    const { system } = await startSystem([odd]);
    expect(await system.invoke("odd", { action: name })).toBe("ran");
    expect(await (system.actor(odd) as Record<string, () => unknown>)[name]!()).toBe("ran");
  });

  test.each(["", "a\nb", "\ud800", "x".repeat(1_025)])("cannot be %j", (name) => {
    expect(thrownBy(() => actor("a", { actions: { [name]: () => 1 } }))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test.each(["nope", "", "__proto__", "constructor", "hasOwnProperty", "toString", "\ud800"])(
    "%j that nobody defined is not found, and the message says what there is",
    async (action) => {
      const { system } = await startSystem([user]);
      const error = await errorOf(system.invoke("a", { definition: "user", action }));
      expect(error).toMatchObject({ code: "ACTION_NOT_FOUND", applied: "no" });
      expect(error.message).toContain("bump");
      expect(await system.actor(user, "a").bump()).toBe(1);
    },
  );
});

describe("an actor that is not there", () => {
  const named = actor("named", { actions: { hello: () => "hello" } });

  test.each<[string, object]>([
    ["nope", {}],
    ["x", { definition: "nope" }],
    ["__proto__", {}],
    ["x", { definition: "constructor" }],
    ["other", { definition: "named" }],
    ["user", {}],
  ])("%s %j is not found", async (name, rest) => {
    const { system } = await startSystem([user, named]);
    const error = await errorOf(system.invoke(name, { action: "hello", ...rest }));
    expect(error).toMatchObject({ code: "ACTOR_NOT_FOUND", applied: "no" });
    expect(await system.actor(named).hello()).toBe("hello");
  });

  test("is refused when its definition is not one of the system's", async () => {
    const { system } = await startSystem([named]);
    expect(thrownBy(() => system.actor(user, "a"))).toMatchObject({ code: "ACTOR_NOT_FOUND" });
    for (const odd of [null, undefined, 5, "named", {}, { name: "named", kind: "named" }])
      expect(thrownBy(() => system.actor(odd as never))).toMatchObject({
        code: "INVALID_ARGUMENT",
      });
  });

  test("is no instance of a named one", async () => {
    const { system } = await startSystem([named]);
    expect(thrownBy(() => system.actor(named as never, "x" as never))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
