/** Bytes of bodies that have not come to their end, wherever they come: nobody has yet promised anything for them. */

/** How many of them are kept at once, counted in bodies of the largest size. */
const UNFINISHED_BODIES_MAX = 32;

let unfinishedBytes = 0;

/** Those of one body after the other. */
export class UnfinishedBytes {
  readonly #bytesMax: number;
  #kept = 0;

  /** @param bodyBytesMax the limit of a body */
  constructor(bodyBytesMax: number) {
    this.#bytesMax = bodyBytesMax * UNFINISHED_BODIES_MAX;
  }

  /** So many are kept now. Answers whether all together are not too many. */
  keep(count: number): boolean {
    unfinishedBytes += count - this.#kept;
    this.#kept = count;
    return unfinishedBytes <= this.#bytesMax;
  }
}

/** What is said of a body that is one too many. */
export const TOO_MANY_UNFINISHED = "too many bodies have not come to their end";
