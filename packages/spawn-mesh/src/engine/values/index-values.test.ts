import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { boundsOfType, indexEntries, indexKey } from "./index-values.ts";

const sign = (number: number): number => Math.sign(number);
const compareKeys = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
/** As databases do that fill the shorter one up with zeros. */
const comparePadded = (a: string, b: string): number => {
  const length = Math.max(a.length, b.length);
  return compareKeys(a.padEnd(length, "\0"), b.padEnd(length, "\0"));
};
const keyOf = (value: unknown): string => indexKey("f", value);

describe("keys of an index compare", () => {
  test("as numbers do", () => {
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        expect(compareKeys(keyOf(a), keyOf(b))).toBe(a === b ? 0 : a < b ? -1 : 1);
      }),
    );
  });

  test.each([
    ["to the end of the shorter one", compareKeys],
    ["with zeros behind the shorter one", comparePadded],
  ])("as the bytes of texts do, %s", (_how, compare) => {
    const texts = fc.string({
      unit: fc.constantFrom("\0", "\u0001", "a", "b", "é", "\uffee", "🦕"),
    });
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        expect(compare(keyOf(a), keyOf(b))).toBe(sign(Buffer.from(a).compare(Buffer.from(b))));
      }),
    );
  });

  test("with every value of a type within its bounds, and none of another type", () => {
    const values = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
    );
    fc.assert(
      fc.property(values, values, (one, other) => {
        fc.pre(typeof one !== "boolean");
        const [from, below] = boundsOfType(one);
        const isWithin = keyOf(other) >= from && keyOf(other) < below;
        expect(isWithin).toBe(typeof other === typeof one);
      }),
    );
  });
});

describe("the entries of an index", () => {
  test("have no fields that are null, and are in the order of their names", () => {
    const entries = indexEntries({ b: 1, a: "x", c: null, d: undefined });
    expect(entries.map(({ field }) => field)).toEqual(["a", "b"]);
  });

  test.each([[null], [7], [[1]], ["text"], [undefined]])("are not made of %j", (index) => {
    expect(() => indexEntries(index)).toThrow("INVALID_ARGUMENT");
  });

  test.each([[Number.NaN], [Infinity], [{}], [() => 1], [1n], ["\udc00"], [new Date()]])(
    "do not hold %s",
    (value) => {
      expect(() => indexEntries({ value })).toThrow("INVALID_ARGUMENT");
    },
  );
});
