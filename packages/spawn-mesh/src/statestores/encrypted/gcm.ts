/**
 * Sealing with AES-256-GCM under one key, and random nonces.
 *
 * A cipher of OpenSSL costs 2.7 µs to make, use and ask for its tag, and 2 µs more for the collector,
 * however short the text is; and most states are short. So what AES contributes to a short message is
 * made by one call for many nonces in advance: GCM encrypts a counter and nothing of the message. What is
 * left is to add that keystream to the text, and to hash both. Long texts go through OpenSSL, and what is
 * opened always does: a difference between the two could not stay hidden.
 */
import { createCipheriv, randomFillSync } from "node:crypto";
import type { Cipheriv, KeyObject } from "node:crypto";
import { BLOCK_BYTES, Ghash } from "./ghash.ts";

export const GCM_NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** Beyond that, hashing here costs more than a cipher of OpenSSL does. */
const SHORT_TEXT_BYTES = 512;
/** The first block of a keystream goes into the tag. */
const KEYSTREAM_BLOCKS = 1 + SHORT_TEXT_BYTES / BLOCK_BYTES;
const KEYSTREAM_BYTES = KEYSTREAM_BLOCKS * BLOCK_BYTES;
const NONCES_AT_ONCE = 64;
/** UTF-8 has at most so many bytes for a UTF-16 unit. */
const UTF8_BYTES_MAX = 3;
const NONCE_WORDS = GCM_NONCE_BYTES / 4;
const BLOCK_WORDS = BLOCK_BYTES / 4;

export class GcmSealer {
  readonly #key: KeyObject;
  readonly #aes: Cipheriv;
  readonly #ghash: Ghash;
  readonly #nonces = new Uint8Array(NONCES_AT_ONCE * GCM_NONCE_BYTES);
  readonly #counters = countersWithoutNonces();
  #keystreams: Uint8Array = this.#counters;
  #used: number = NONCES_AT_ONCE;
  readonly #bound = Buffer.alloc(SHORT_TEXT_BYTES * UTF8_BYTES_MAX);
  readonly #text = Buffer.alloc(SHORT_TEXT_BYTES * UTF8_BYTES_MAX);

  /** @param key of 32 bytes */
  constructor(key: KeyObject) {
    this.#key = key;
    this.#aes = createCipheriv("aes-256-ecb", key, null).setAutoPadding(false);
    this.#ghash = new Ghash(this.#aes.update(Buffer.alloc(BLOCK_BYTES)));
  }

  /** Nonce, ciphertext and tag, `before` bytes into a buffer of their own. */
  seal(plain: string | Uint8Array, bound: string, before: number): Uint8Array {
    if (plain.length <= SHORT_TEXT_BYTES && bound.length <= SHORT_TEXT_BYTES) {
      const text = typeof plain === "string" ? encoded(plain, this.#text) : plain;
      if (text.length <= SHORT_TEXT_BYTES) {
        return this.#sealShort(text, encoded(bound, this.#bound), before);
      }
    }
    return this.#sealLong(plain, bound, before);
  }

  #sealShort(text: Uint8Array, bound: Uint8Array, before: number): Uint8Array {
    const number = this.#takeNonce();
    const sealed = new Uint8Array(before + GCM_NONCE_BYTES + text.length + TAG_BYTES);
    const nonce = number * GCM_NONCE_BYTES;
    for (let at = 0; at < GCM_NONCE_BYTES; at++) sealed[before + at] = this.#nonces[nonce + at]!;
    const keystreams = this.#keystreams;
    const forTag = number * KEYSTREAM_BYTES;
    const forText = forTag + BLOCK_BYTES;
    const start = before + GCM_NONCE_BYTES;
    const end = start + text.length;
    for (let at = 0; at < text.length; at++) {
      sealed[start + at] = text[at]! ^ keystreams[forText + at]!;
    }
    const hash = this.#ghash.hash(bound, sealed.subarray(start, end));
    for (let at = 0; at < TAG_BYTES; at++) sealed[end + at] = hash[at]! ^ keystreams[forTag + at]!;
    return sealed;
  }

  #sealLong(plain: string | Uint8Array, bound: string, before: number): Uint8Array {
    const number = this.#takeNonce() * GCM_NONCE_BYTES;
    const nonce = this.#nonces.subarray(number, number + GCM_NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    cipher.setAAD(Buffer.from(bound));
    const text = typeof plain === "string" ? cipher.update(plain, "utf8") : cipher.update(plain);
    cipher.final();
    const start = before + GCM_NONCE_BYTES;
    const sealed = new Uint8Array(start + text.length + TAG_BYTES);
    sealed.set(nonce, before);
    sealed.set(text, start);
    sealed.set(cipher.getAuthTag(), start + text.length);
    return sealed;
  }

  /** The number of a nonce that was never used. */
  #takeNonce(): number {
    if (this.#used === NONCES_AT_ONCE) this.#drawNonces();
    return this.#used++;
  }

  #drawNonces(): void {
    randomFillSync(this.#nonces);
    // In words: it is done for every block of every keystream.
    const nonces = new Uint32Array(this.#nonces.buffer);
    const counters = new Uint32Array(this.#counters.buffer);
    let at = 0;
    for (let nonce = 0; nonce < nonces.length; nonce += NONCE_WORDS) {
      for (let block = 0; block < KEYSTREAM_BLOCKS; block++, at += BLOCK_WORDS) {
        counters[at] = nonces[nonce]!;
        counters[at + 1] = nonces[nonce + 1]!;
        counters[at + 2] = nonces[nonce + 2]!;
      }
    }
    this.#keystreams = this.#aes.update(this.#counters);
    this.#used = 0;
  }
}

/** Where the nonces come, and behind each the number of the block in its message, from 1. */
function countersWithoutNonces(): Uint8Array {
  const counters = new Uint8Array(NONCES_AT_ONCE * KEYSTREAM_BYTES);
  const view = new DataView(counters.buffer);
  for (let block = 0; block < NONCES_AT_ONCE * KEYSTREAM_BLOCKS; block++) {
    view.setUint32(block * BLOCK_BYTES + GCM_NONCE_BYTES, 1 + (block % KEYSTREAM_BLOCKS));
  }
  return counters;
}

/** The UTF-8 of a text in a buffer that is large enough, to be used at once. */
function encoded(text: string, into: Buffer): Uint8Array {
  return into.subarray(0, into.write(text));
}
