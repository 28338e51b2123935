import type { ActorId } from "./actor-id.ts";

/** What the engine tells about itself: the only hook for logs, metrics and alarms. */
export type EngineEvent =
  | { readonly type: "activated"; readonly actor: ActorId }
  | { readonly type: "deactivated"; readonly actor: ActorId }
  /** Another incarnation has committed; this activation starts again from the stored row. */
  | { readonly type: "fenced"; readonly actor: ActorId }
  /** The answer to a commit was lost; it is being repeated until its outcome is known. */
  | { readonly type: "commit-ambiguous"; readonly commits: number; readonly cause: unknown }
  /** A call to the statestore failed and was certainly not applied. */
  | {
      readonly type: "store-failed";
      readonly operation: "load" | "commit" | "prune";
      readonly cause: unknown;
    }
  /** The stored row is older than one that was committed: the statestore went back in time. */
  | {
      readonly type: "store-rollback";
      readonly actor: ActorId;
      readonly known: number;
      readonly stored: number;
    }
  /** Acknowledged changes of a write-behind actor that never reached the statestore. */
  | { readonly type: "write-behind-lost"; readonly actor: ActorId }
  /** A run went on too long after its deadline, or lost the state beneath it; it can change nothing any more. */
  | { readonly type: "run-abandoned"; readonly actor: ActorId; readonly action: string }
  /** An invocation that nobody waits for failed. */
  | {
      readonly type: "async-failed";
      readonly actor: ActorId;
      readonly action: string;
      readonly error: Error;
    };

/** Receives events. What it throws is ignored. */
export type EventListener = (event: EngineEvent) => void;
