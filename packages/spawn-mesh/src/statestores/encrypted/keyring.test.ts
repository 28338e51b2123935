import { createSecretKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { isSpawnError } from "../../engine/errors.ts";
import { Keyring } from "./keyring.ts";
import type { EncryptionOptions, KeyMaterial } from "./keyring.ts";

const bytes = randomBytes(32);

function refusalOf(options: unknown): string {
  try {
    new Keyring(options as EncryptionOptions);
  } catch (error) {
    expect(isSpawnError(error) && error.code).toBe("INVALID_ARGUMENT");
    return (error as Error).message;
  }
  throw new Error("it was accepted");
}

describe("a keyring", () => {
  test.each<[string, KeyMaterial]>([
    ["base64", bytes.toString("base64")],
    ["base64 without padding", bytes.toString("base64").replace("=", "")],
    ["base64url", bytes.toString("base64url")],
    ["hexadecimal", bytes.toString("hex")],
    ["capital hexadecimal", bytes.toString("hex").toUpperCase()],
    ["a Uint8Array", new Uint8Array(bytes)],
    ["a KeyObject", createSecretKey(bytes)],
  ])("takes a key as %s", (_form, material) => {
    const sealed = new Keyring({ keys: { a: bytes } }).active.seal("x", "", 0);
    expect(new Keyring({ keys: { a: material } }).active.open(sealed, "").toString()).toBe("x");
  });

  const tooLong = randomBytes(48).toString("base64");
  test.each<[string, unknown, RegExp]>([
    ["no options", undefined, /expected an object with keys/],
    ["null", null, /expected an object with keys/],
    ["a lost key that is none", { keys: { a: bytes }, lost: [7] }, /lost: expected ids of/],
    ["a lost key that is there", { keys: { a: bytes }, lost: ["a"] }, /"a" is among the keys/],
    ["one lost key", { keys: { a: bytes }, lost: "b" }, /lost: expected a list/],
    ["no keys", {}, /expected an object with keys/],
    ["a list of keys", { keys: [bytes] }, /expected an object with keys/],
    ["an empty object", { keys: {} }, /at least one key, got none/],
    ["an empty key", { keys: { a: "" } }, /key "a": expected 32 bytes.*got 0 bytes/],
    ["16 bytes", { keys: { a: randomBytes(16) } }, /key "a": expected 32 bytes.*got 16 bytes/],
    ["33 bytes", { keys: { a: randomBytes(33) } }, /got 33 bytes/],
    ["a text of 48 bytes", { keys: { a: tooLong } }, /got 48 bytes/],
    ["a passphrase", { keys: { a: "correct horse battery staple!" } }, /text of 29 characters/],
    ["63 hexadecimal digits", { keys: { a: "a".repeat(63) } }, /got 47 bytes/],
    ["a number", { keys: { a: 7 } }, /got number/],
    ["a KeyObject of 16 bytes", { keys: { a: createSecretKey(randomBytes(16)) } }, /16 bytes/],
    ["a public key", { keys: { a: generateKeyPairSync("ed25519").publicKey } }, /got a public key/],
    ["an id with a blank", { keys: { "a b": bytes } }, /"a b" cannot be the id/],
    ["an empty id", { keys: { "": bytes } }, /"" cannot be the id/],
    ["a long id", { keys: { ["a".repeat(33)]: bytes } }, /cannot be the id/],
    ["an unknown active key", { keys: { a: bytes }, active: "b" }, /one of "a"; got "b"/],
    [
      "two keys and none active",
      { keys: { a: bytes, b: bytes } },
      /one of "a", "b"; got undefined/,
    ],
    ["active of another type", { keys: { a: bytes }, active: 1 }, /got number/],
    ["required of another type", { keys: { a: bytes }, required: "yes" }, /true or false/],
  ])("refuses %s and says what was expected", (_what, options, expected) => {
    expect(refusalOf(options)).toMatch(expected);
  });

  test("says nothing of a key, neither in a refusal nor when it is printed", () => {
    const secret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2Vj cg";
    expect(refusalOf({ keys: { a: secret } })).not.toContain("c2VjcmV0");
    const ring = new Keyring({ keys: { a: bytes } });
    ring.active.seal("x", "", 0);
    const printed = [inspect(ring, { depth: 9, showHidden: true }), JSON.stringify(ring)].join();
    for (const form of ["hex", "base64", "latin1"] as const) {
      expect(printed).not.toContain(bytes.toString(form).slice(0, 8));
    }
  });
});
