import { createDecipheriv, createSecretKey, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { GCM_NONCE_BYTES, GcmSealer, TAG_BYTES } from "./gcm.ts";

const key = createSecretKey(randomBytes(32));

function openWithOpenSsl(sealed: Uint8Array, bound: string): Buffer {
  const nonce = sealed.subarray(0, GCM_NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(bound));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = decipher.update(sealed.subarray(GCM_NONCE_BYTES, -TAG_BYTES));
  return Buffer.concat([plain, decipher.final()]);
}

test("OpenSSL opens what was sealed, of every length, bound to texts of every length", () => {
  const sealer = new GcmSealer(key);
  for (let length = 0; length <= 600; length++) {
    const plain = randomBytes(length);
    const bound = randomBytes(600 - length).toString("hex");
    expect(openWithOpenSsl(sealer.seal(plain, bound, 0), bound)).toEqual(plain);
  }
});

test("a text may be longer in bytes than in characters", () => {
  const sealer = new GcmSealer(key);
  for (const unit of ["ü", "€", "😀", "\ud800"]) {
    for (const length of [1, 100, 170, 171, 256, 257, 511, 512, 513]) {
      const text = unit.repeat(length).slice(0, length);
      const sealed = sealer.seal(text, text, 0);
      expect(openWithOpenSsl(sealed, text).toString()).toBe(Buffer.from(text).toString());
    }
  }
});

test("no nonce comes twice, and no keystream either, whether texts are short or long", () => {
  const sealer = new GcmSealer(key);
  const sealed = Array.from({ length: 1000 }, (_, index) =>
    Buffer.from(sealer.seal(new Uint8Array(index % 7 === 0 ? 1000 : 500), "", 0)),
  );
  const nonces = sealed.map((bytes) => bytes.toString("hex", 0, GCM_NONCE_BYTES));
  // Of zeros, the ciphertext is the keystream.
  const keystreams = sealed.map((bytes) => bytes.toString("hex", GCM_NONCE_BYTES, 100));
  expect(new Set(nonces).size).toBe(1000);
  expect(new Set(keystreams).size).toBe(1000);
});
