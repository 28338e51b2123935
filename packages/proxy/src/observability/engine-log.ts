/** What the engine tells about itself, as lines of the log. */
import type { EngineEvent } from "spawn-mesh/engine";
import type { Log, LogLevel } from "./log.ts";
import { sparingLog } from "./sparing-log.ts";

const levels: Readonly<Record<EngineEvent["type"], LogLevel>> = {
  activated: "debug",
  deactivated: "debug",
  committed: "debug",
  expired: "debug",
  fenced: "warning",
  "commit-ambiguous": "warning",
  "store-failed": "warning",
  "store-recovered": "info",
  "store-warning": "warning",
  "store-rollback": "error",
  "write-behind-lost": "error",
  "run-abandoned": "warning",
  "message-failed": "warning",
  "message-parked": "warning",
  "sidecar-awaited": "warning",
  "listener-failed": "warning",
  "async-failed": "warning",
};

/** Writes events of the engine to the log; commits are for metrics. Callers can bring warnings about at will. */
export function engineLog(log: Log): (event: EngineEvent) => void {
  const sparing = sparingLog(log);
  return ({ type, ...fields }) => {
    if (type === "committed") return;
    const shown = Object.entries(fields).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Error ? value.message : value,
    ]);
    const level = levels[type];
    const tell = level === "warning" ? sparing : log;
    tell(level, type, Object.fromEntries(shown));
  };
}
