/** What the statestore and its worker say to each other. Answers come in the order of the requests. */
import type { ActorId } from "../../engine/actor-id.ts";
import type { ErrorCode } from "../../engine/errors.ts";
import type {
  ActorsOf,
  RevisionInfo,
  StoreSession,
  StoredState,
  StoreFailureKind,
} from "../../engine/statestore.ts";
import type { ConnectionOptions, SqliteDurability } from "./connection.ts";
import type { MessageCall } from "./message-calls.ts";
import type { PackedRows } from "./packed-rows.ts";
import type { QueryCall } from "./query-calls.ts";
import type { SealedCall } from "./sealed-calls.ts";
import type { SystemCall } from "./system-calls.ts";

/** A worker is given what can be copied: it has nothing to warn of. */
export interface OpenOptions extends ConnectionOptions, Omit<StoreSession, "onWarning"> {}

/** Each request with its answer. */
export interface WorkerCalls {
  open: { readonly request: OpenOptions; readonly answer: undefined };
  commit: { readonly request: PackedBatch; readonly answer: readonly number[] };
  load: { readonly request: PackedBatch; readonly answer: PackedRows };
  listRevisions: { readonly request: ActorId; readonly answer: readonly RevisionInfo[] };
  readRevision: {
    readonly request: { readonly actor: ActorId; readonly revision: number };
    readonly answer: StoredState | undefined;
  };
  listActors: { readonly request: ActorsOf; readonly answer: readonly string[] };
  messages: { readonly request: MessageCall; readonly answer: unknown };
  queries: { readonly request: QueryCall; readonly answer: unknown };
  sealed: { readonly request: SealedCall; readonly answer: unknown };
  systems: { readonly request: SystemCall; readonly answer: unknown };
  prune: {
    readonly request: { readonly wall: number; readonly limit: number };
    readonly answer: number;
  };
  durability: { readonly request: undefined; readonly answer: SqliteDurability };
  close: { readonly request: undefined; readonly answer: undefined };
}

export type CallName = keyof WorkerCalls;

/** Commits or queries, and how many of them. */
export type PackedBatch = readonly [rows: PackedRows, count: number];

export type WorkerRequest = {
  readonly [Name in CallName]: readonly [call: Name, request: WorkerCalls[Name]["request"]];
}[CallName];

/** An error on its way between threads, where classes are lost. */
export type WorkerError =
  | {
      readonly type: "failure";
      readonly kind: StoreFailureKind;
      readonly message: string;
      readonly rows: readonly number[];
    }
  | { readonly type: "refusal"; readonly code: ErrorCode; readonly message: string };

/** An answer alone, or no answer and an error. */
export type WorkerReply = readonly [answer: unknown, error?: WorkerError];
