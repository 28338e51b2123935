/**
 * How often something may come again. Each time is a commit, and a host that means seconds where the
 * protocol means milliseconds would have a thousand of them a second.
 */

/** The shortest period of timers and repeated messages, in milliseconds; a shorter one is taken for it. */
export const PERIOD_MS_MIN = 100;

/** What is repeated, not more often than may be. */
export function notTooOften<Repeated extends object>(repeated: Repeated): Repeated {
  const { everyMs } = repeated as { readonly everyMs?: unknown };
  const isTooOften = typeof everyMs === "number" && everyMs >= 1 && everyMs < PERIOD_MS_MIN;
  return isTooOften ? { ...repeated, everyMs: PERIOD_MS_MIN } : repeated;
}
