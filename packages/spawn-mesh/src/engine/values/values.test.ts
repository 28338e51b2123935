import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8Length } from "../actor-id.ts";
import { isSpawnError } from "../errors.ts";
import { VALUE_DEPTH_MAX } from "./json-value.ts";
import { copyBounded, copyValue, encodeValue, lastCopiedUnits } from "./values.ts";

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return isSpawnError(error) ? error.message : `no SpawnError: ${String(error)}`;
  }
  return "nothing thrown";
}

/** Any JSON value, with the odd fields that people send. */
const jsonValue = fc.jsonValue({ noUnicodeString: false });

describe("a copy", () => {
  test("is what JSON makes of the value, and shares nothing with it", () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const before = JSON.stringify(value);
        const copied = copyValue(value, "value");
        expect(copied).toStrictEqual(JSON.parse(before));
        if (typeof copied === "object" && copied !== null) expect(copied).not.toBe(value);
        expect(JSON.stringify(value)).toBe(before);
      }),
    );
  });

  test("drops what JSON drops and makes zero of minus zero", () => {
    const source = {
      a: undefined,
      z: -0,
      [Symbol("s")]: 1,
      list: Object.assign([1], { extra: 2 }),
    };
    expect(copyValue(source, "value")).toStrictEqual({ z: 0, list: [1] });
    expect(copyValue(undefined, "value")).toBeUndefined();
  });

  test("keeps __proto__ as a field of its own", () => {
    const copied = copyValue(JSON.parse('{"__proto__":{"a":1}}'), "value") as object;
    expect(Object.keys(copied)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(copied)).toBe(Object.prototype);
  });

  test("of a value of any other kind is refused with the path to it", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<unknown>(1n, new Date(), new Map(), () => 1, Symbol("s"), NaN, Infinity),
        fc.array(fc.oneof(fc.nat({ max: 5 }), fc.constantFrom("a", "b", "deep"))),
        (odd, path) => {
          let value = odd;
          for (const step of path.toReversed()) {
            value = typeof step === "number" ? [...Array(step).fill(0), value] : { [step]: value };
          }
          const shown = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`));
          const message = messageOf(() => copyValue(value, "what"));
          expect(message).toContain(`[INVALID_ARGUMENT] what${shown.join("")}: got `);
          expect(messageOf(() => encodeValue(value, "what"))).toBe(message);
        },
      ),
    );
  });

  test("goes as deep as the limit, and no deeper", () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
    expect(copyValue(nested(VALUE_DEPTH_MAX), "value")).toEqual(nested(VALUE_DEPTH_MAX));
    expect(messageOf(() => copyValue(nested(VALUE_DEPTH_MAX + 1), "value"))).toContain("deeper");
    expect(messageOf(() => encodeValue(nested(VALUE_DEPTH_MAX + 1), "value"))).toContain("deeper");
  });

  test("of something that throws while it is read is refused with what it threw", () => {
    const cause = new Error("do not read me");
    const value = {
      get secret(): never {
        throw cause;
      },
    };
    for (const read of [copyValue, encodeValue])
      expect(messageOf(() => read(value, "what"))).toBe(
        "[INVALID_ARGUMENT] what: cannot be read: do not read me",
      );
  });
});

describe("a bounded copy", () => {
  test("is refused exactly when its JSON takes more bytes than allowed", () => {
    fc.assert(
      fc.property(
        fc.oneof(jsonValue, fc.string({ unit: "binary" }), fc.array(fc.constant("\0"))),
        fc.integer({ min: -2, max: 2 }),
        (value, difference) => {
          const bytes = utf8Length(JSON.stringify(value));
          const limit = bytes + difference;
          fc.pre(limit > 0);
          const message = messageOf(() => copyBounded(value, "what", limit));
          expect(message).toBe(
            difference < 0
              ? `[PAYLOAD_TOO_LARGE] what: expected at most ${limit} bytes as JSON, got ${bytes}`
              : "nothing thrown",
          );
        },
      ),
    );
  });

  test("tells about how much memory it takes", () => {
    copyValue("x".repeat(1_000), "value");
    const large = lastCopiedUnits();
    copyValue("x", "value");
    expect([large >= 1_000, lastCopiedUnits() < 100]).toEqual([true, true]);
  });
});

describe("encoding", () => {
  test("gives the text that decodes to the copy", () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        expect(JSON.parse(encodeValue(value, "state"))).toStrictEqual(copyValue(value, "state"));
      }),
    );
  });

  test("refuses undefined: a state is never nothing", () => {
    expect(messageOf(() => encodeValue(undefined, "state"))).toContain("state: got undefined");
  });
});
