import type { Random } from "../engine/clock.ts";

const WARM_UP_ROUNDS = 12;

/**
 * Randomness that a seed determines: the same seed gives the same sequence on every machine.
 *
 * The generator is sfc32 of Chris Doty-Humphrey's PractRand, with 128 bits of state, so that the ids
 * of a long test do not repeat.
 */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = seed | 0;
  let c = Math.floor(seed / 2 ** 32) | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum;
  };
  for (let round = 0; round < WARM_UP_ROUNDS; round++) next();
  return {
    id: () => latin1(next()) + latin1(next()) + latin1(next()) + latin1(next()),
    fraction: () => (next() >>> 0) / 2 ** 32,
  };
}

function latin1(word: number): string {
  return String.fromCharCode(
    word & 0xff,
    (word >>> 8) & 0xff,
    (word >>> 16) & 0xff,
    (word >>> 24) & 0xff,
  );
}
