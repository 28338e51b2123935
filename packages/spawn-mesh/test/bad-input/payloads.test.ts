/** What people send: each value arrives as it was, or is refused with the path to what is wrong. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { crashAndRestart, errorOf, startSystem } from "../behaviour/start-system.ts";

const echo = actor("echo", {
  state: () => ({ last: null as unknown, calls: 0 }),
  actions: {
    keep(ctx: { state: { last: unknown; calls: number } }, value?: unknown) {
      ctx.state.last = value ?? null;
      ctx.state.calls++;
      return value;
    },
  },
} as never);

const MIB = 2 ** 20;
class Point {
  readonly x = 1;
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

function cyclic(): unknown {
  const cycle: { list: unknown[] } = { list: [1] };
  cycle.list.push({ back: cycle });
  return cycle;
}

const unnamed = Object.create(Object.create(Object.create(null) as object) as object) as object;

const refused: readonly [string, () => unknown, string][] = [
  ["NaN", () => Number.NaN, "payload: got NaN"],
  ["Infinity inside", () => ({ a: [Infinity] }), "payload.a[0]: got Infinity"],
  ["a bigint", () => 5n, "payload: got bigint"],
  ["a Date inside", () => ({ at: new Date() }), "payload.at: got an instance of Date"],
  ["a Map", () => new Map(), "payload: got an instance of Map"],
  ["a Set", () => new Set(), "payload: got an instance of Set"],
  ["a RegExp", () => /x/, "payload: got an instance of RegExp"],
  ["an error", () => new TypeError("x"), "payload: got an instance of TypeError"],
  ["a promise", () => Promise.resolve(1), "payload: got an instance of Promise"],
  ["bytes", () => new Uint8Array(2), "payload: got an instance of Uint8Array"],
  ["a class instance", () => [new Point()], "payload[0]: got an instance of Point"],
  ["an instance without a class", () => unnamed, "payload: got an instance of an unknown class"],
  ["a boxed number", () => Object(5), "payload: got an instance of Number"],
  ["a function", () => () => 1, "payload: got function"],
  ["a symbol", () => ({ s: Symbol("s") }), "payload.s: got symbol"],
  ["a hole", () => [1, , 3], "payload[1]: got undefined"], // oxlint-disable-line no-sparse-arrays
  ["undefined in an array", () => [undefined], "payload[0]: got undefined"],
  ["a very long array of holes", () => Object.assign([], { length: 2 ** 31 }), "[0]"],
  ["a cycle", cyclic, "payload.list[1].back: got a cycle"],
  ["10 000 levels", () => nested(10_000), "nested deeper than 256 levels"],
  ["257 levels", () => nested(257), "nested deeper than 256 levels"],
  ["toJSON", () => ({ toJSON: () => "x" }), "payload.toJSON: got function"],
  [
    "a getter that throws",
    () => ({
      get secret(): never {
        throw new Error("do not read me");
      },
    }),
    "payload: cannot be read: do not read me",
  ],
  [
    "a getter that changes its mind",
    () => {
      let reads = 0;
      return {
        get odd() {
          return reads++ === 0 ? Symbol("odd") : 1;
        },
      };
    },
    "payload: a value that changes while it is read",
  ],
  [
    "a revoked proxy",
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    "payload: cannot be read: ",
  ],
];

describe("a payload that is no value", () => {
  test.each(refused)("(%s) is refused with the path to it", async (_what, make, message) => {
    const { system, store } = await startSystem([echo]);
    const keep = (payload: unknown) => system.invoke("echo", { action: "keep", payload });
    await keep("before");
    const error = await errorOf(keep(make()));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no", retryable: false });
    expect(error.message).toContain(message);
    expect(error.message.length).toBeLessThan(300);
    expect(await keep("after")).toBe("after");
    expect(store.commits).toHaveLength(2);
  });
});

const accepted: readonly [string, () => unknown, unknown][] = [
  ["nothing", () => undefined, undefined],
  ["null", () => null, null],
  ["false", () => false, false],
  ["minus zero, as zero", () => ({ z: -0 }), { z: 0 }],
  ["2^53+1", () => 2 ** 53 + 1, 2 ** 53 + 1],
  ["the largest number", () => Number.MAX_VALUE, Number.MAX_VALUE],
  ["an empty text", () => "", ""],
  ["a text with NUL and half a pair", () => "a\0\ud800", "a\0\ud800"],
  ["undefined fields, dropped", () => ({ a: undefined, b: 1 }), { b: 1 }],
  ["255 levels", () => nested(255), nested(255)],
  ["the same object twice, as two", () => Array(2).fill({ a: 1 }), [{ a: 1 }, { a: 1 }]],
  ["frozen objects", () => Object.freeze({ a: Object.freeze([1]) }), { a: [1] }],
  [
    "an object without a prototype",
    () => Object.assign(Object.create(null) as object, { a: 1 }),
    { a: 1 },
  ],
  ["a proxy of plain data", () => new Proxy({ a: 1 }, {}), { a: 1 }],
  ["an array with more on it, without that", () => Object.assign([1], { extra: 2 }), [1]],
  ["symbol keys, dropped", () => ({ [Symbol("s")]: 1, a: 1 }), { a: 1 }],
  ["an empty field name", () => ({ "": 1 }), { "": 1 }],
  [
    "__proto__ as a field",
    () => JSON.parse('{"__proto__":{"admin":true},"a":1}') as unknown,
    JSON.parse('{"__proto__":{"admin":true},"a":1}'),
  ],
  [
    "constructor as a field",
    () => ({ constructor: "x", hasOwnProperty: 1 }),
    { constructor: "x", hasOwnProperty: 1 },
  ],
];

describe("a payload that is a value", () => {
  test.each(accepted)("(%s) arrives, is stored and comes back", async (_what, make, expected) => {
    const before = await startSystem([echo]);
    const reply = await before.system.invoke("echo", { action: "keep", payload: make() });
    expect(reply).toStrictEqual(expected);
    const life = await crashAndRestart(before, [echo]);
    const state = await life.system.invoke<{ last: unknown }>("echo", { action: "get" });
    expect(state.last).toStrictEqual(expected ?? null);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe("the size of a payload", () => {
  const text = (bytes: number) => "x".repeat(bytes - 2); // and two quotes

  test.each<[string, string, boolean]>([
    ["one byte below the limit", text(MIB - 1), true],
    ["the limit", text(MIB), true],
    ["one byte above it", text(MIB + 1), false],
    ["few letters of many bytes below it", "€".repeat((MIB - 2) / 3), true],
    ["few letters of many bytes above it", "€".repeat((MIB + 2) / 3), false],
    ["letters that need escapes above it", "\0".repeat(MIB / 6 + 1), false],
    ["64 MiB", text(64 * MIB), false],
  ])("may be %s or not", async (_what, payload, isFine) => {
    const { system } = await startSystem([echo]);
    const call = system.invoke("echo", { action: "keep", payload });
    if (isFine) return expect(await call).toBe(payload);
    const error = await errorOf(call);
    expect(error).toMatchObject({ code: "PAYLOAD_TOO_LARGE", applied: "no" });
    expect(error.message).toContain("payload: expected at most 1048576 bytes");
    expect(await system.invoke("echo", { action: "keep", payload: 1 })).toBe(1);
  });

  test("is refused before it fills the memory", async () => {
    const { system } = await startSystem([echo]);
    const keep = (payload: unknown) => system.invoke("echo", { action: "keep", payload });
    const long = "x".repeat(2 ** 28); // as JSON more than a text can be
    let nested: unknown = {};
    for (let level = 0; level < 60; level++) nested = [nested, nested];
    for (const payload of [[long, long, long], { long, more: [long] }, nested])
      expect(await errorOf(keep(payload))).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(await keep(1)).toBe(1);
  });

  test("counts many small things too", async () => {
    const { system } = await startSystem([echo], { limits: { payloadBytesMax: 1_000 } });
    for (const item of [null, true, 7, {}, [], "", "ab"]) {
      const size = JSON.stringify(item).length + 1;
      const few = Array.from({ length: Math.floor(999 / size) }, () => item);
      const keep = (payload: unknown) => system.invoke("echo", { action: "keep", payload });
      expect(await keep(few)).toEqual(few);
      const many = Array.from({ length: Math.floor(999 / size) + 1 }, () => item);
      expect(await errorOf(keep(many))).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    }
  });
});
