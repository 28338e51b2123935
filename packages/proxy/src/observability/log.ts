/** What the proxy tells about itself: one line of JSON for each thing, on standard error. */

import { isSpawnError } from "spawn-mesh/engine";

/** From the most to the least talkative. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Tells that something happened. Fields never hold payloads, states or keys. */
export type Log = (
  level: LogLevel,
  event: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

const FRAMES_MAX = 8;

/**
 * What can be said of something that nobody expected to be thrown: which error, and where. Its text may
 * quote what somebody sent, so only our own is told.
 */
export function unexpected(thrown: unknown): Readonly<Record<string, unknown>> {
  if (!(thrown instanceof Error)) return { error: typeof thrown };
  const { name, stack = "", cause } = thrown;
  const code: unknown = "code" in thrown ? thrown.code : undefined;
  const at = stack.split("\n").filter((line) => /^ {4}at /.test(line));
  return {
    error: name,
    ...(typeof code === "string" && { code }),
    ...(isSpawnError(thrown) && { message: thrown.message }),
    at: at.slice(0, FRAMES_MAX).map((line) => line.trim()),
    ...(cause !== undefined && { cause: unexpected(cause) }),
  };
}

/** Writes what is at least as important as `least`. */
export function jsonLog(least: LogLevel): Log {
  const threshold = LOG_LEVELS.indexOf(least);
  return (level, event, fields) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    const line = { time: new Date().toISOString(), level, event, ...fields };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
}
