/** What follows for a message from the way its delivery failed. */
import type { ErrorCode, SpawnError } from "../errors.ts";

/**
 * - `gone`: it is not stored any more; nothing is left to do.
 * - `again`: it cannot have run, and soon may: the target has a full queue.
 * - `later`: the platform was in the way; it is tried again, however often that takes.
 * - `retry`: it was tried and failed; it is tried again, and given up one day.
 * - `final`: the actor has said no, or has applied it before; it counts as delivered.
 * - `impossible`: nobody can take it as it is; it is given up at once.
 */
export type Verdict = "gone" | "again" | "later" | "retry" | "final" | "impossible";

const verdicts: Readonly<Partial<Record<ErrorCode, Verdict>>> = {
  CANCELLED: "gone",
  OVERLOADED: "again",
  SHUTTING_DOWN: "later",
  NOT_OWNER: "later",
  STATESTORE_UNAVAILABLE: "later",
  NODE_UNAVAILABLE: "later",
  HOST_UNAVAILABLE: "later",
  UNKNOWN_OUTCOME: "later",
  INVALID_ARGUMENT: "impossible",
  UNAUTHORIZED: "impossible",
  ACTOR_NOT_FOUND: "impossible",
  ACTION_NOT_FOUND: "impossible",
  PAYLOAD_TOO_LARGE: "impossible",
  CYCLE: "impossible",
};

/**
 * For a step, whose caller waits for an answer: whatever its action said is the answer, an exception
 * too. It is tried again only when its code has not run.
 */
export function verdictOnStep(error: SpawnError, hasRun: boolean): Verdict {
  const verdict = verdictOn(error);
  return verdict === "retry" && hasRun ? "final" : verdict;
}

export function verdictOn(error: SpawnError): Verdict {
  if (error.applied === "yes") return "final";
  if (error.code === "ACTION_FAILED" && error.failure !== undefined) return "final";
  return verdicts[error.code] ?? "retry";
}

/** Whether nobody is there who could take it: that can last. */
export function isTargetAbsent({ code }: SpawnError): boolean {
  return code === "HOST_UNAVAILABLE" || code === "NODE_UNAVAILABLE";
}

/** The longest reason that is kept with a message, in UTF-16 units. */
const REASON_UNITS_MAX = 1_000;

/** Why a delivery failed, as text that every database takes: bounded, well-formed, without NUL. */
export function reasonOf({ message }: Error): string {
  return message.slice(0, REASON_UNITS_MAX).toWellFormed().replaceAll("\0", "\ufffd");
}
