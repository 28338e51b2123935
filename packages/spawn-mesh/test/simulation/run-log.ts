/**
 * What a run leaves behind, and all that the checkers look at.
 *
 * It is written by the clients and by the simulated database, from the outside of the engine: no
 * line of the engine can skip a check. Everything carries a number from one sequence, so that
 * "before" and "after" are exact even within one millisecond.
 */
import type { Message } from "../../src/engine/message-store.ts";
import { payloadOf } from "./posts.ts";
import type { PostPayload } from "./posts.ts";
import type { Commit, Etag } from "../../src/engine/statestore.ts";

/** The invariants of the design that this simulation checks; I8 only where the store is exclusive. */
type Invariant =
  | "I1"
  | "I2"
  | "I3"
  | "I4"
  | "I5"
  | "I6"
  | "I7"
  | "I8"
  | "I9"
  | "I10"
  | "I13"
  | "I14"
  | "I15"
  | "I16"
  | "I17"
  | "I18"
  | "I21";

export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
}

/** `yes` and `no` are what the engine promised; `unknown` includes what a crash cut off. */
export type Outcome = "yes" | "no" | "unknown";

/** How an actor is meant to behave: what its operations may be held to. */
export type ActorRole = "list" | "write-behind" | "foreign" | EndingRole | PostRole;

/** Lists that end now and then: somebody deletes them, their time is over, or they delete themselves. */
export type EndingRole = "deletable" | "fleeting" | "post-mortal";

/** Actors that send and receive messages: durable, write-behind, without a state, or ending now and then. */
export type PostRole = "post" | "post-behind" | "post-stateless" | "post-mortal";

/** One thing that a client wanted from an actor, with all its attempts. */
export interface Operation {
  readonly actor: string;
  readonly role: ActorRole;
  readonly kind: "append" | "read" | "delete";
  /** What is appended; unique in a run. */
  readonly value: string | undefined;
  readonly startedAt: number;
  readonly startedSequence: number;
  /** `undefined` while nothing is known: at the end that breaks liveness. */
  outcome: Outcome | undefined;
  endedAt: number;
  endedSequence: number;
  /** How long the list was after an append, or when it was read. */
  version: number | undefined;
  /**
   * When the action changed the state; an answer to a repeated call can come much later.
   * `undefined` also when it was repeated and two incarnations did it, so that one can hide the loss
   * of the other.
   */
  madeAt: number | undefined;
  /** What a read returned. */
  items: readonly string[] | undefined;
  /** What a call answered that went on in other actors: the same each time that it is repeated. */
  readonly lastReplies?: Set<string>;
  /** The incarnation that gave the last answer. */
  owner: string | undefined;
}

/** One call to one incarnation. */
export interface Attempt {
  readonly operation: Operation;
  readonly owner: string;
  readonly startedAt: number;
  readonly deadlineMs: number;
  /** `undefined` when the incarnation crashed before it answered. */
  readonly endedAt: number | undefined;
  readonly code: string | undefined;
}

/** A commit that changed the database, with what was there before it. */
export interface AppliedCommit {
  readonly sequence: number;
  readonly at: number;
  readonly owner: string;
  readonly actor: string;
  readonly role: ActorRole;
  readonly commit: Commit;
}

/** What passed between one incarnation and the database about one actor. */
export type SessionEvent =
  | SessionStep<"sent", { readonly etag: Etag; readonly previous: Etag | undefined }>
  /** Answered: committed or refused. */
  | SessionStep<"answered", { readonly etag: Etag; readonly isCommitted: boolean }>
  | SessionStep<"failed", { readonly etag: Etag; readonly isAmbiguous: boolean }>
  /** The database can never store it. */
  | SessionStep<"impossible", { readonly etag: Etag }>
  /** A load showed the row, or that there is none. */
  | SessionStep<"shown", { readonly etag: Etag | undefined }>;

type SessionStep<Type extends string, Facts> = Facts & {
  readonly type: Type;
  readonly owner: string;
  readonly actor: string;
};

/** An action of another actor ran on behalf of one that had seen `value` in the list of `actor`. */
export interface Sighting {
  readonly sequence: number;
  readonly actor: string;
  readonly value: string;
}

/** What happened to a message in the database. */
export interface MessageEvent {
  readonly sequence: number;
  /** On the wall clock. */
  readonly at: number;
  /**
   * `replaced` without a commit of its target: by other messages, by its next time, or by nothing.
   * `removed` by hand, `cancelled` by the commit of an actor, `forgotten` with the actor whose timer it was.
   */
  readonly type:
    | "sent"
    | "claimed"
    | "consumed"
    | "replaced"
    | "removed"
    | "cancelled"
    | "forgotten"
    | "parked"
    | "retried"
    | "discarded";
  /** As it was stored. */
  readonly message: Message;
  /** The commit that sent, consumed or cancelled it; `undefined` if none did. */
  readonly etag: Etag | undefined;
}

/** An action began to run; what it is about is named as in {@link itemOf}. */
export interface MessageRun {
  readonly sequence: number;
  /** On the wall clock. */
  readonly at: number;
  readonly actor: string;
  readonly item: string;
}

/** Somebody puts an actor back to a revision of its own, or begins a new one with that of another. */
export interface Restoring {
  readonly actor: string;
  readonly source: string;
  readonly revision: number;
  readonly startedSequence: number;
  /** `Infinity` while it may still be done. */
  endedSequence: number;
  outcome: "yes" | undefined;
}

/** Somebody looked for actors whose time is over. */
export interface Look {
  /** When the request arrived. */
  readonly sequence: number;
  /** When it was made, on the wall clock. */
  readonly wall: number;
}

/** Somebody was told what the state of a list was at a time. */
export interface Recollection {
  readonly actor: string;
  /** Which time it was asked for, and when it was answered, both on the wall clock. */
  readonly time: number;
  readonly wall: number;
  readonly startedSequence: number;
  readonly endedSequence: number;
  /** `undefined` when nothing of that time is kept. */
  readonly answer: { readonly revision: number; readonly items: readonly string[] } | undefined;
}

/** The most that was ever in one place, and the limit of it. */
export interface Peak {
  readonly what: string;
  readonly limit: number;
  readonly peak: number;
}

export interface RunLog {
  readonly operations: readonly Operation[];
  readonly attempts: readonly Attempt[];
  readonly applied: readonly AppliedCommit[];
  readonly sessions: readonly SessionEvent[];
  readonly sightings: readonly Sighting[];
  readonly messages: readonly MessageEvent[];
  readonly runs: readonly MessageRun[];
  /** What clients told actors to do, by value. */
  readonly asked: ReadonlyMap<string, PostPayload>;
  /** Messages that somebody wanted to cancel. */
  readonly cancelled: ReadonlySet<string>;
  /** The ids of messages whose senders were told that they are stored. */
  readonly acknowledged: ReadonlySet<string>;
  /** What was done outside, by value: the ids that it was asked for with, and when it was done first. */
  readonly outside: ReadonlyMap<
    string,
    { readonly ids: ReadonlySet<string>; readonly doneAt: number | undefined }
  >;
  /** When the wall clock was set back. */
  readonly setBacks: readonly number[];
  /** Lists that were deleted because they were found, as of that revision. */
  readonly purged: readonly { readonly actor: string; readonly revision: number }[];
  readonly restored: readonly Restoring[];
  readonly looks: readonly Look[];
  /** How long fleeting actors live when nothing is done with them. */
  readonly expireAfterMs: number;
  readonly recollections: readonly Recollection[];
  /** For how long a revision is kept after another one took its place. */
  readonly revisionsKeptMs: number;
  /** How often revisions are kept. */
  readonly snapshotTimeoutMs: number;
  /** Whether nothing but a message can have ended an incarnation, or lost a claim. */
  readonly isCalm: boolean;
  readonly peaks: readonly Peak[];
  /** What an incarnation answered or committed without ever having loaded the actor. */
  readonly unloaded: readonly string[];
  /** Stretches of time in which an incarnation stood still. */
  readonly pauses: readonly {
    readonly owner: string;
    readonly from: number;
    readonly until: number;
  }[];
  /** What should have been empty at the end, and was not. */
  readonly leftOver: readonly string[];
  /** Whether only one incarnation at a time could use the database. */
  readonly isExclusive: boolean;
  /** What a write-behind actor may lose of what it acknowledged, in milliseconds. */
  readonly writeBehindBoundMs: number;
}

/** The list in a stored state, or the last one of an actor that deletes itself; empty if somebody else does. */
export function itemsOf(commit: Pick<Commit, "state" | "isDelete" | "sends">): readonly string[] {
  if (typeof commit.state !== "string") return lastListOf(commit) ?? [];
  return (JSON.parse(commit.state) as { items: readonly string[] }).items;
}

/** What an actor tells of its list in the commit with which it deletes itself. */
export function lastListOf({
  isDelete,
  sends,
}: Pick<Commit, "isDelete" | "sends">): readonly string[] | undefined {
  if (!isDelete) return undefined;
  return sends.map((message) => payloadOf(message)?.list).find((list) => list !== undefined);
}

/**
 * Whether the wall clock was set back before that. Then the times that it showed mean little, also those of
 * messages that were made before and are stored only now.
 */
export function isSetBack(setBacks: RunLog["setBacks"], before: number): boolean {
  return setBacks.some((sequence) => sequence < before);
}

/** Whether the state of a commit is one that nobody here can read. */
export function isBroken({ commit }: AppliedCommit): boolean {
  return !commit.isDelete && commit.stateVersion > 1;
}

/** Whether actors of this role end now and then. */
export function isEnding(role: ActorRole): role is EndingRole {
  return role === "deletable" || role === "fleeting" || role === "post-mortal";
}

/**
 * Whether the actor was deleted by somebody else or put back to an earlier revision between the beginning and the end of the
 * operation. Then what it appended or saw may have gone with that in one commit, and no state ever had it.
 */
export function mayBeGone(
  operation: Operation,
  { applied, restored }: Pick<RunLog, "applied" | "restored">,
): boolean {
  const { actor, role, startedSequence, endedSequence } = operation;
  if (!isEnding(role)) return false;
  const isRestored = restored.some(
    (restoring) =>
      restoring.actor === actor &&
      restoring.startedSequence < endedSequence &&
      restoring.endedSequence > startedSequence,
  );
  return (
    isRestored ||
    applied.some(
      ({ actor: deleted, commit, sequence }) =>
        deleted === actor &&
        commit.isDelete &&
        lastListOf(commit) === undefined &&
        sequence > startedSequence &&
        sequence < endedSequence,
    )
  );
}
