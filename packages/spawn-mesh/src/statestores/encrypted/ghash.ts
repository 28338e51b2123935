/**
 * GHASH (NIST SP 800-38D): what AES-GCM authenticates with. A polynomial over the field of 2^128
 * elements, whose terms are the blocks and whose point is the hash key.
 *
 * Multiplication by the key is linear, so the product of a block is the sum of sixteen products that
 * were made before, one for each byte at each place: 64 KiB of them. That makes 50 ns a block, which is
 * what short values need; a processor's own instructions are faster, but dear to reach (see `gcm.ts`).
 */
export const BLOCK_BYTES = 16;
const BYTE_VALUES = 256;
const WORDS = 4;

export class Ghash {
  /** Four words for each byte value at each place in a block. */
  readonly #products: Int32Array;
  readonly #sum = new Int32Array(WORDS);
  readonly #sumBytes = new Uint8Array(this.#sum.buffer);
  /** A block that is not full, or the lengths. */
  readonly #last = new Uint8Array(BLOCK_BYTES);
  readonly #lastView = new DataView(this.#last.buffer);

  /** @param hashKey a block of zeros under the cipher's key */
  constructor(hashKey: Uint8Array) {
    this.#products = productsOf(hashKey);
  }

  /** The hash of what a text is bound to and of the text itself; the next call overwrites it. */
  hash(bound: Uint8Array, text: Uint8Array): Uint8Array {
    this.#sum.fill(0);
    this.#add(bound);
    this.#add(text);
    this.#addLengths(bound.length, text.length);
    return this.#sumBytes;
  }

  #add(bytes: Uint8Array): void {
    const whole = bytes.length - (bytes.length % BLOCK_BYTES);
    for (let at = 0; at < whole; at += BLOCK_BYTES) this.#addBlock(bytes, at);
    if (whole === bytes.length) return;
    this.#last.fill(0);
    for (let at = whole; at < bytes.length; at++) this.#last[at - whole] = bytes[at]!;
    this.#addBlock(this.#last, 0);
  }

  /** Of the two numbers of bits, 64 bits each, the upper halves are always zero here. */
  #addLengths(bound: number, text: number): void {
    this.#last.fill(0);
    this.#lastView.setUint32(4, bound * 8);
    this.#lastView.setUint32(12, text * 8);
    this.#addBlock(this.#last, 0);
  }

  #addBlock(bytes: Uint8Array, from: number): void {
    const products = this.#products;
    const before = this.#sumBytes;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let place = 0; place < BLOCK_BYTES; place++) {
      const byte = before[place]! ^ bytes[from + place]!;
      const product = (place * BYTE_VALUES + byte) * WORDS;
      a ^= products[product]!;
      b ^= products[product + 1]!;
      c ^= products[product + 2]!;
      d ^= products[product + 3]!;
    }
    this.#sum[0] = a;
    this.#sum[1] = b;
    this.#sum[2] = c;
    this.#sum[3] = d;
  }
}

/** The products of the key with each byte at each place of a block. */
function productsOf(hashKey: Uint8Array): Int32Array {
  const bytes = new Uint8Array(BLOCK_BYTES * BYTE_VALUES * BLOCK_BYTES);
  const term = Uint8Array.from(hashKey);
  for (let bit = 0; bit < BLOCK_BYTES * 8; bit++) {
    const byte = 0x80 >> (bit & 7);
    bytes.set(term, ((bit >> 3) * BYTE_VALUES + byte) * BLOCK_BYTES);
    multiplyByX(term);
  }
  const words = new Int32Array(bytes.buffer);
  for (let place = 0; place < BLOCK_BYTES; place++) {
    for (let byte = 1; byte < BYTE_VALUES; byte++) {
      const rest = byte & (byte - 1);
      if (rest === 0) continue;
      const [sum, one, other] = [byte, rest, byte ^ rest].map(
        (value) => (place * BYTE_VALUES + value) * WORDS,
      ) as [number, number, number];
      for (let word = 0; word < WORDS; word++) {
        words[sum + word] = words[one + word]! ^ words[other + word]!;
      }
    }
  }
  return words;
}

/** In GCM's order of bits: the highest bit of the first byte is the coefficient of 1. */
function multiplyByX(term: Uint8Array): void {
  const overflow = term[BLOCK_BYTES - 1]! & 1;
  for (let at = BLOCK_BYTES - 1; at > 0; at--) {
    term[at] = (term[at]! >> 1) | ((term[at - 1]! & 1) << 7);
  }
  term[0] = (term[0]! >> 1) ^ (overflow * 0xe1);
}
