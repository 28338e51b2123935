import type { ActorId } from "./actor-id.ts";
import type { Clock } from "./clock.ts";
import type { StoreWarning } from "./statestore.ts";

/** What the engine tells about itself: the only hook for logs, metrics and alarms. */
export type EngineEvent =
  | { readonly type: "activated"; readonly actor: ActorId }
  | { readonly type: "deactivated"; readonly actor: ActorId }
  /** Another incarnation has committed; this activation starts again from the stored row. */
  | { readonly type: "fenced"; readonly actor: ActorId }
  /** A group of commits was sent to the statestore, which has answered: how many, and after how long. */
  | { readonly type: "committed"; readonly commits: number; readonly durationMs: number }
  /** The answer to a commit was lost; it is being repeated until its outcome is known. */
  | { readonly type: "commit-ambiguous"; readonly commits: number; readonly cause: unknown }
  /** A call to the statestore failed and was certainly not applied. */
  | {
      readonly type: "store-failed";
      readonly operation: "load" | "commit" | "prune" | "messages" | "expire";
      readonly cause: unknown;
    }
  /**
   * A group of commits was stored, the first one since the statestore had failed: how long that was after the first
   * failure. Of a system that commits nothing, nobody knows.
   */
  | { readonly type: "store-recovered"; readonly awayMs: number }
  /** The statestore is set up so that it may lose what was acknowledged. */
  | ({ readonly type: "store-warning" } & StoreWarning)
  /** The stored row is older than one that was committed: the statestore went back in time. */
  | {
      readonly type: "store-rollback";
      readonly actor: ActorId;
      readonly known: number;
      readonly stored: number;
    }
  /** Acknowledged changes of a write-behind actor that never reached the statestore. */
  | { readonly type: "write-behind-lost"; readonly actor: ActorId }
  /** The actor was deleted because nothing of it was committed for `expireAfterMs`. */
  | { readonly type: "expired"; readonly actor: ActorId }
  /** A run went on too long after its deadline, or lost the state beneath it; it can change nothing any more. */
  | { readonly type: "run-abandoned"; readonly actor: ActorId; readonly action: string }
  /** A message could not be delivered for the so-and-so-many-th time, and is tried again at `dueAt`. */
  | {
      readonly type: "message-failed";
      readonly id: string;
      readonly target: ActorId;
      readonly action: string;
      readonly attempts: number;
      readonly dueAt: number;
      readonly error: Error;
    }
  /** A message was given up and waits in the list of parked ones. */
  | {
      readonly type: "message-parked";
      readonly id: string;
      readonly target: ActorId;
      readonly action: string;
      readonly error: Error;
    }
  /**
   * The sidecar that keeps the actors is not there, or has not taken their registration: it is asked
   * again and again. Told once for each reason.
   */
  | { readonly type: "sidecar-awaited"; readonly system: string; readonly cause: unknown }
  /** A listener outside of actors threw. */
  | { readonly type: "listener-failed"; readonly channel: string; readonly error: unknown }
  /** An invocation that nobody waits for failed. */
  | {
      readonly type: "async-failed";
      readonly actor: ActorId;
      readonly action: string;
      readonly error: Error;
    };

/** Receives events. What it throws is ignored. */
export type EventListener = (event: EngineEvent) => void;

/** Where events go that nobody listens to. What happens often need not be told there. */
export const nobody: EventListener = () => undefined;

/** A listener whose errors reach nobody: telling must not break what it tells about. */
export function harmless(listener: EventListener | undefined): EventListener {
  if (listener === undefined) return nobody;
  return (event) => {
    try {
      listener(event);
    } catch {
      // The listener's own problem.
    }
  };
}

/** Tells also when the statestore stores again after it had failed: whoever was alarmed wants to know. */
export function tellingRecovery(emit: EventListener, clock: Clock): EventListener {
  if (emit === nobody) return nobody;
  let failedAt: number | undefined;
  return (event) => {
    emit(event);
    if (event.type === "store-failed" || event.type === "commit-ambiguous") {
      failedAt ??= clock.monotonic();
    } else if (event.type === "committed" && failedAt !== undefined) {
      const awayMs = clock.monotonic() - failedAt;
      failedAt = undefined;
      emit({ type: "store-recovered", awayMs });
    }
  };
}

/** Makes events of what a statestore warns of. */
export function warningsTo(emit: EventListener): (warning: StoreWarning) => void {
  return (warning) => emit({ type: "store-warning", ...warning });
}
