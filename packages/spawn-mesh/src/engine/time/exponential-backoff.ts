import type { Random } from "../clock.ts";

const FIRST_MS = 10;
const MAX_MS = 1_000;

/** How long to wait before attempt number `attempt + 1`: doubled each time, half of it random. */
export function exponentialBackoffMs(attempt: number, random: Random): number {
  const full = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempt, 20));
  return full / 2 + (full / 2) * random.fraction();
}
