import { describe, expect, test } from "vitest";
import { seededRandom } from "./seeded-random.ts";

describe("seeded randomness", () => {
  test("is the same for the same seed and different for another", () => {
    const draw = (seed: number): unknown[] => {
      const random = seededRandom(seed);
      return [random.id(), random.fraction(), random.id(), random.fraction()];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1)).not.toEqual(draw(1 + 2 ** 32));
  });

  test("gives ids of 16 latin-1 characters that do not repeat", () => {
    const random = seededRandom(7);
    const ids = Array.from({ length: 10_000 }, () => random.id());
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) {
      expect(id.length).toBe(16);
      expect(id.split("").every((character) => character.charCodeAt(0) < 256)).toBe(true);
    }
  });

  test("gives fractions spread evenly over 0 to 1", () => {
    const random = seededRandom(7);
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let draws = 0; draws < 10_000; draws++) buckets[Math.floor(random.fraction() * 10)]!++;
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
