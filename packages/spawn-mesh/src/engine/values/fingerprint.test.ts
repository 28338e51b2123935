import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fingerprint } from "./fingerprint.ts";

describe("a fingerprint", () => {
  test("is 16 hexadecimal digits, the same for the same text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(fingerprint(text)).toMatch(/^[0-9a-f]{16}$/);
        expect(fingerprint(text)).toBe(fingerprint(`${text}`));
      }),
    );
  });

  test("is another for every one of many similar texts", () => {
    const texts = new Set<string>();
    for (let n = 0; n < 20_000; n++) texts.add(`add {"value":${n}}`).add(`add {"value":"${n}"}`);
    for (let length = 0; length < 300; length++) texts.add("\0".repeat(length));
    expect(new Set([...texts].map(fingerprint)).size).toBe(texts.size);
  });

  test("is stored, so it may never change", () => {
    expect([fingerprint(""), fingerprint("add 5")]).toMatchInlineSnapshot(`
      [
        "92ca2f0ec4dbc2b3",
        "d9e618b67101f904",
      ]
    `);
  });
});
