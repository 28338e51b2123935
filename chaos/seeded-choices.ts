/** Random choices that a seed determines. */
export class SeededChoices {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** At least 0 and below 1. The generator is Tommy Ettinger's mulberry32. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** One of them. */
  pick<Choice>(choices: readonly Choice[]): Choice {
    return choices[Math.floor(this.fraction() * choices.length)]!;
  }
}
