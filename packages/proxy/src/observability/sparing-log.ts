/** A log that nobody fills: of each event a few lines a second, and how many there were besides. */
import type { Log } from "./log.ts";

const LINES_A_SECOND_MAX = 10;

interface Told {
  second: number;
  /** Lines in that second. */
  lines: number;
  /** How many were not told of since the last line. */
  untold: number;
}

/**
 * Tells of what others can make happen as often as they like.
 *
 * @param now the time in milliseconds
 */
export function sparingLog(log: Log, now: () => number = () => performance.now()): Log {
  const events = new Map<string, Told>();
  return (level, event, fields) => {
    const told = events.get(event) ?? { second: 0, lines: 0, untold: 0 };
    events.set(event, told);
    const second = Math.floor(now() / 1_000);
    if (second !== told.second) told.lines = 0;
    told.second = second;
    if (told.lines >= LINES_A_SECOND_MAX) {
      told.untold++;
      return;
    }
    told.lines++;
    log(level, event, { ...fields, ...(told.untold > 0 && { untold: told.untold }) });
    told.untold = 0;
  };
}
