import { describe, expect, test } from "vitest";
import { checkWholeNumber, defaultLimits, resolveLimits } from "./limits.ts";

describe("limits", () => {
  test("are the defaults unless they are told", () => {
    expect(resolveLimits()).toEqual(defaultLimits);
    expect(resolveLimits({ queuedMax: 5 })).toEqual({ ...defaultLimits, queuedMax: 5 });
    expect(Object.isFrozen(resolveLimits())).toBe(true);
  });

  test("that are undefined are the defaults", () => {
    expect(resolveLimits({ queuedMax: undefined } as never)).toEqual(defaultLimits);
  });

  test.each([0, -1, 0.5, Number.NaN, Infinity, "5", null, 2 ** 53])("cannot be %s", (value) => {
    expect(() => resolveLimits({ queuedMax: value as number })).toThrow(
      /^\[INVALID_ARGUMENT\] limits\.queuedMax: expected a whole number from 1 to \d+, got /,
    );
  });

  test.each(["nope", "toString", "__proto__"])("there is none named %s", (name) => {
    const changes = Object.fromEntries([[name, 5]]);
    expect(() => resolveLimits(changes)).toThrow(`limits.${name}: there is no such limit`);
  });
});

describe("a whole number", () => {
  test("may be either end of its range", () => {
    expect(() => checkWholeNumber("n", 1, { min: 1, max: 2 })).not.toThrow();
    expect(() => checkWholeNumber("n", 2, { min: 1, max: 2 })).not.toThrow();
    expect(() => checkWholeNumber("n", 3, { min: 1, max: 2 })).toThrow("from 1 to 2, got 3");
  });

  test.each<[unknown, string]>([
    ["2", 'got "2"'],
    [2n, "got 2"],
    [Symbol("two"), "got Symbol(two)"],
    [Object.create(null), "got a value that cannot be printed"],
  ])("shows what came instead", (value, shown) => {
    expect(() => checkWholeNumber("n", value, { min: 1, max: 2 })).toThrow(shown);
  });
});
