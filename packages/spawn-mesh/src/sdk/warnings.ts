/** Where nobody listens to the events of a system, those that need somebody are warnings of the process. */
import { describeThrown } from "../engine/errors.ts";
import { formatActorId } from "../engine/index.ts";
import type { EngineEvent, EventListener } from "../engine/index.ts";

/** An outage brings the same about again and again: one is told of each type in this time. */
const WARN_EVERY_MS = 10_000;

/** Warns of what happens in that system; what comes too soon after another one is counted with the next. */
export function warnings(system: string): EventListener {
  const told = new Map<EngineEvent["type"], { readonly at: number; untold: number }>();
  return (event) => {
    const text = textOf(event);
    if (text === undefined) return;
    const now = performance.now();
    const last = told.get(event.type);
    if (last !== undefined && now - last.at < WARN_EVERY_MS) {
      last.untold++;
      return;
    }
    told.set(event.type, { at: now, untold: 0 });
    const more = last === undefined || last.untold === 0 ? "" : ` (${last.untold} more before)`;
    const warning = `the system ${system}: ${text}${more}`;
    process.emitWarning(warning, { type: "SpawnMeshWarning", code: event.type });
  };
}

/** What somebody has to know; `undefined` for daily business. */
function textOf(event: EngineEvent): string | undefined {
  switch (event.type) {
    case "activated":
    case "deactivated":
    case "committed":
    case "expired":
      return undefined;
    case "fenced":
      return `${formatActorId(event.actor)} runs in another process too`;
    case "commit-ambiguous":
      return `commits were not answered, and are repeated: ${describeThrown(event.cause)}`;
    case "store-failed":
      return `the statestore failed (${event.operation}): ${describeThrown(event.cause)}`;
    case "store-recovered":
      return `the statestore stores again, ${Math.round(event.awayMs)} ms after it had failed`;
    case "store-warning":
      return `${event.setting} of the database is ${event.value}: ${event.risk}`;
    case "store-rollback":
      return `${formatActorId(event.actor)} is stored at revision ${event.stored}, and was committed at ${event.known}: the database went back in time`;
    case "write-behind-lost":
      return `acknowledged changes of ${formatActorId(event.actor)} never reached the statestore`;
    case "run-abandoned":
      return `${formatActorId(event.actor)} ${event.action} goes on after its deadline, and changes nothing any more`;
    case "message-failed":
      return `a message failed, and is tried again: ${event.error.message}`;
    case "message-parked":
      return `a message was given up, system.messages.listParked() has it: ${event.error.message}`;
    case "sidecar-awaited":
      return `it waits for its sidecar: ${describeThrown(event.cause)}`;
    case "listener-failed":
      return `a listener of ${event.channel} threw: ${describeThrown(event.error)}`;
    case "async-failed":
      return `${formatActorId(event.actor)} ${event.action}, for which nobody waits, failed: ${event.error.message}`;
  }
}
