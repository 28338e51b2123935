/**
 * XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM for as many messages as there are.
 *
 * With random nonces of 96 bits one AES-GCM key should seal no more than 2^32 messages, which a busy
 * system reaches in a day. Here a nonce has 192 bits: the first half makes a key of its own from ours,
 * the second half is the nonce under that key. The construction is NIST's: a key derivation by CMAC
 * (SP 800-108) and AES-GCM (SP 800-38D). We keep a first half for many messages, so that deriving
 * costs nothing; whoever opens them cannot tell, and any implementation can open them.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";

export const KEY_BYTES = 32;
const HALF_BYTES = 12;
const NONCE_BYTES = 2 * HALF_BYTES;
const TAG_BYTES = 16;

/** Then the random second halves are still far from meeting: the chance is 2^-41. */
const SEALED_WITH_ONE_HALF_MAX = 2 ** 28;
/** Each start of a program that has written makes one; one that is not kept costs some 10 µs. */
const DERIVED_KEYS_MAX = 4096;
const POOLED_HALVES = 1024;
const BLOCK_BYTES = 16;

/** One key, and those that are made from it. */
export class XaesKey {
  readonly #key: KeyObject;
  readonly #mask: Uint8Array;
  /** By the first half of the nonce. */
  readonly #derived = new Map<string, KeyObject>();
  /** Random bytes that nobody has seen. */
  #pool: Buffer = Buffer.alloc(0);
  #used = 0;
  /** The second half that was drawn last. */
  readonly #nonce: Buffer = Buffer.alloc(HALF_BYTES);
  readonly #half: Buffer = Buffer.alloc(HALF_BYTES);
  #halfKey: KeyObject | undefined;
  #sealed = 0;

  /** @param key of {@link KEY_BYTES} bytes */
  constructor(key: KeyObject) {
    this.#key = key;
    this.#mask = doubled(encryptBlocks(key, Buffer.alloc(BLOCK_BYTES)));
  }

  /** Nonce, ciphertext and tag, `before` bytes into a buffer of their own. */
  seal(plain: string | Uint8Array, bound: string, before: number): Uint8Array {
    const key = this.#sealingKey();
    this.#draw(this.#nonce);
    const cipher = createCipheriv("aes-256-gcm", key, this.#nonce);
    cipher.setAAD(Buffer.from(bound));
    const text = typeof plain === "string" ? cipher.update(plain, "utf8") : cipher.update(plain);
    cipher.final();
    const sealed = new Uint8Array(before + NONCE_BYTES + text.length + TAG_BYTES);
    sealed.set(this.#half, before);
    sealed.set(this.#nonce, before + HALF_BYTES);
    sealed.set(text, before + NONCE_BYTES);
    sealed.set(cipher.getAuthTag(), before + NONCE_BYTES + text.length);
    return sealed;
  }

  /** What was sealed. @throws when it was sealed with another key or bound to something else, or is damaged */
  open(sealed: Uint8Array, bound: string): Buffer {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
    const key = this.#derivedFor(bytes.subarray(0, HALF_BYTES));
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(HALF_BYTES, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(bound));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    decipher.final();
    return plain;
  }

  /** The key that goes with the first half in use. */
  #sealingKey(): KeyObject {
    if (this.#halfKey === undefined || this.#sealed === SEALED_WITH_ONE_HALF_MAX) {
      this.#draw(this.#half);
      this.#halfKey = this.#derive(this.#half);
      this.#sealed = 0;
    }
    this.#sealed++;
    return this.#halfKey;
  }

  #derivedFor(half: Buffer): KeyObject {
    const name = half.toString("latin1");
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    const key = this.#derive(half);
    if (this.#derived.size === DERIVED_KEYS_MAX) {
      for (const oldest of this.#derived.keys()) {
        this.#derived.delete(oldest);
        break;
      }
    }
    this.#derived.set(name, key);
    return key;
  }

  /** The key for a first half: CMAC of two blocks that end with it, as a KDF in counter mode. */
  #derive(half: Buffer): KeyObject {
    const blocks = Buffer.alloc(2 * BLOCK_BYTES);
    for (const counter of [1, 2]) {
      const block = blocks.subarray((counter - 1) * BLOCK_BYTES, counter * BLOCK_BYTES);
      block.set([0, counter, 0x58, 0]);
      block.set(half, BLOCK_BYTES - HALF_BYTES);
      for (const [index, bits] of this.#mask.entries()) block[index]! ^= bits;
    }
    return createSecretKey(encryptBlocks(this.#key, blocks));
  }

  /** Fills half of a nonce. */
  #draw(half: Buffer): void {
    if (this.#used === this.#pool.length) {
      this.#pool = randomBytes(HALF_BYTES * POOLED_HALVES);
      this.#used = 0;
    }
    this.#used += this.#pool.copy(half, 0, this.#used, this.#used + HALF_BYTES);
  }
}

function encryptBlocks(key: KeyObject, blocks: Uint8Array): Buffer {
  return createCipheriv("aes-256-ecb", key, null).setAutoPadding(false).update(blocks);
}

/** Times x in the field of 2^128 elements, as CMAC has it. */
function doubled(block: Buffer): Uint8Array {
  const value = BigInt(`0x${block.toString("hex")}`) << 1n;
  const reduced = block[0]! >= 0x80 ? value ^ 0x87n : value;
  return Buffer.from(BigInt.asUintN(128, reduced).toString(16).padStart(32, "0"), "hex");
}
