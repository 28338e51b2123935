import type { Random } from "../clock.ts";

const DELAY_MS_MIN = 10;
const DELAY_MS_MAX = 1_000;

/** How long to wait before attempt number `attempt + 1`: doubled each time, half of it random. */
export function exponentialBackoffMs(attempt: number, random: Random): number {
  const full = Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** Math.min(attempt, 20));
  return full / 2 + (full / 2) * random.fraction();
}
