import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NAME_BYTES_MAX, checkName, formatActorId, utf8Length } from "./actor-id.ts";

describe("the length in UTF-8", () => {
  test("is that of the encoder for every well-formed text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
  });
});

describe("a name", () => {
  const isAccepted = (name: unknown): boolean => {
    try {
      checkName("actor", name);
      return true;
    } catch {
      return false;
    }
  };

  test("is accepted exactly when it is well-formed, printable and not too long", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 700 }), (name) => {
        const bytes = new TextEncoder().encode(name);
        const isPrintable = !bytes.some((byte) => byte < 0x20 || byte === 0x7f);
        const isFine = bytes.length >= 1 && bytes.length <= NAME_BYTES_MAX && isPrintable;
        expect(isAccepted(name)).toBe(isFine);
      }),
    );
  });

  test.each(["\ud800", "a\udfff", "\udc00\ud800"])("with half a pair, %j, is refused", (name) => {
    expect(isAccepted(name)).toBe(false);
  });

  test("that is refused is shown, cut where it is long", () => {
    expect(() => checkName("actor", "\n".repeat(5_000))).toThrow(
      /^\[INVALID_ARGUMENT\] actor name: expected text without control characters, got "(\\n){40}"$/,
    );
    expect(() => checkName("system", 5)).toThrow("system name: expected a string, got number");
  });
});

describe("an id in messages", () => {
  test("says the name once when it is that of the definition", () => {
    expect(formatActorId({ system: "s", definition: "d", name: "d" })).toBe("s/d");
    expect(formatActorId({ system: "s", definition: "d", name: "n" })).toBe("s/d/n");
  });
});
