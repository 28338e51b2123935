import assert from "node:assert";

/** Decisions drawn from a source of numbers from 0 (included) to 1 (excluded). */
export class Choices {
  readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** A whole number from 0 to `below`, which is excluded. */
  whole(below: number): number {
    return Math.floor(this.random() * below);
  }

  pick<T>(values: readonly T[]): T {
    assert(values.length > 0, "there is nothing to choose from");
    return values[this.whole(values.length)] as T;
  }

  /** One to three of them, the same one twice at times. */
  pickSome<T>(values: readonly T[]): readonly T[] {
    return Array.from({ length: 1 + this.whole(3) }, () => this.pick(values));
  }
}
