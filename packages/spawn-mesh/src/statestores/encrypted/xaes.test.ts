import { createSecretKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { XaesKey } from "./xaes.ts";

function keyOf(byte: number): XaesKey {
  return new XaesKey(createSecretKey(Buffer.alloc(32, byte)));
}

const NONCE = "ABCDEFGHIJKLMNOPQRSTUVWX";

describe("XAES-256-GCM", () => {
  // The two derive with and without the carry of CMAC's subkey.
  test.each([
    [1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"],
    [3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"],
  ])("opens the test vector of the specification with the key of bytes %i", (byte, bound, hex) => {
    const sealed = Buffer.concat([Buffer.from(NONCE), Buffer.from(hex, "hex")]);
    expect(keyOf(byte).open(sealed, bound).toString()).toBe("XAES-256-GCM");
  });

  test("opens what it has sealed, in another instance too, text and bytes", () => {
    for (const plain of ["", "ü € 😀", "x".repeat(100_000)]) {
      const sealed = keyOf(1).seal(plain, "bound", 3);
      expect(sealed.subarray(0, 3)).toEqual(new Uint8Array(3));
      expect(keyOf(1).open(sealed.subarray(3), "bound").toString()).toBe(plain);
    }
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    expect([...keyOf(1).open(keyOf(1).seal(bytes, "", 0), "")]).toEqual([...bytes]);
  });

  test("never uses a nonce twice, and keeps a buffer of its own for each", () => {
    const key = keyOf(1);
    const sealed = Array.from({ length: 3_000 }, () => key.seal("same", "", 0));
    const nonces = sealed.map((bytes) => Buffer.from(bytes.subarray(0, 24)).toString("hex"));
    expect(new Set(nonces).size).toBe(sealed.length);
    expect(sealed.every((bytes) => bytes.buffer.byteLength === bytes.length)).toBe(true);
  });

  test("refuses every flipped bit, every cut, another key and another binding", () => {
    const sealed = keyOf(1).seal("secret", "bound", 0);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Uint8Array.from(sealed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => keyOf(1).open(flipped, "bound")).toThrow();
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => keyOf(1).open(sealed.subarray(0, length), "bound")).toThrow();
    }
    expect(() => keyOf(2).open(sealed, "bound")).toThrow();
    expect(() => keyOf(1).open(sealed, "bounD")).toThrow();
  });

  test("opens what was sealed under more first halves than it keeps keys for", () => {
    const opener = keyOf(1);
    const sealed = Array.from({ length: 5_000 }, (_, index) => keyOf(1).seal(`${index}`, "", 0));
    for (const [index, bytes] of sealed.entries()) {
      expect(opener.open(bytes, "").toString()).toBe(`${index}`);
    }
    expect(opener.open(sealed[0]!, "").toString()).toBe("0");
  });
});
