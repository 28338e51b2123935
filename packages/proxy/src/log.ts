/** What the proxy tells about itself: one line of JSON for each thing, on standard error. */

/** From the most to the least talkative. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Tells that something happened. Fields never hold payloads, states or keys. */
export type Log = (
  level: LogLevel,
  event: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** Writes what is at least as important as `least`. */
export function jsonLog(least: LogLevel): Log {
  const threshold = LOG_LEVELS.indexOf(least);
  return (level, event, fields) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    const line = { time: new Date().toISOString(), level, event, ...fields };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
}
