/** What the engine tells about itself, as lines of the log. */
import type { EngineEvent } from "spawn-mesh/engine";
import type { Log, LogLevel } from "./log.ts";

const levels: Readonly<Record<EngineEvent["type"], LogLevel>> = {
  activated: "debug",
  deactivated: "debug",
  committed: "debug",
  expired: "debug",
  fenced: "warning",
  "commit-ambiguous": "warning",
  "store-failed": "warning",
  "store-warning": "warning",
  "store-rollback": "error",
  "write-behind-lost": "error",
  "run-abandoned": "warning",
  "message-parked": "warning",
  "listener-failed": "warning",
  "async-failed": "warning",
};

/** Writes an event of the engine to the log; commits are for metrics. */
export function logEvent(log: Log, { type, ...fields }: EngineEvent): void {
  if (type === "committed") return;
  const shown = Object.entries(fields).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Error ? value.message : value,
  ]);
  log(levels[type], type, Object.fromEntries(shown));
}
