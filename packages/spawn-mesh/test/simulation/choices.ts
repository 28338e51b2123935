import type { Random } from "../../src/engine/clock.ts";

/** Random choices of a simulation, all from one seeded sequence. */
export class Choices {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** True with this probability. Draws nothing when the answer is certain. */
  chance(probability: number): boolean {
    return probability > 0 && this.#random.fraction() < probability;
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.#random.fraction() * (max - min + 1));
  }

  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T {
    return from[Math.floor(this.#random.fraction() * from.length)]!;
  }

  /** A waiting time with that mean: mostly short, now and then long. */
  waitMs(meanMs: number): number {
    return Math.ceil(-meanMs * Math.log(1 - this.#random.fraction()));
  }
}
