/** Actions of one actor that become durable together: what a growing commit is made of. */
import type { SpawnError } from "./errors.ts";
import type { Invocation } from "./invocation.ts";
import { isStored } from "./message-store.ts";
import type { Message, MessageRef, StoredMessage } from "./message-store.ts";
import { unitsOf } from "./sending.ts";
import type { Outgoing } from "./sending.ts";
import type { Etag, StateBytes, StoreAnswer, StoredReply, Tags } from "./statestore.ts";

/** What an action left behind: the state and tags after it, and what its commit has to remember. */
export interface Change {
  readonly bytes: StateBytes | undefined;
  readonly tags: Tags | undefined;
  readonly isDelete: boolean;
  readonly stored: StoredReply | undefined;
  /** The messages that it sent. */
  readonly sends: readonly Outgoing[];
  /** The message that it consumes. */
  readonly message: StoredMessage | undefined;
  /** The one of {@link Change.sends} that answers the caller. */
  readonly step: Outgoing | undefined;
}

/** Hears whether the commit it waits for was done. */
export type Gate = (isCommitted: boolean) => void;

/** Actions that become durable together. There is one for every commit, so it stays small. */
export interface Batch {
  readonly entries: Invocation[];
  /** Those that wait for the outcome; `undefined` while there is none, like `stored`. */
  gates: Gate[] | undefined;
  stored: Map<string, StoredReply> | undefined;
  /** Messages that it sends and consumes; `undefined` while there are none. */
  messages: BatchMessages | undefined;
  /** About how much memory the replies take, in UTF-16 units. */
  units: number;
  /** How many entries it had when it was sealed; those behind them are reads that wait for it. */
  sealedLength: number;
  isDelete: boolean;
  /** When the oldest change in it was made (monotonic); matters to write-behind only. */
  since: number;
  bytes: StateBytes | undefined;
  tags: Tags | undefined;
  etag: Etag | undefined;
  /** When it was sealed (wall). */
  at: number;
  keepsRevision: boolean;
}

/** Messages of a batch. */
export interface BatchMessages {
  readonly sends: Outgoing[];
  consumes: MessageRef[];
  /** About how much memory the sent ones take, in UTF-16 units. */
  units: number;
  /** The sent ones as they are stored; there when sealed. */
  stored: readonly Message[];
  /** What they were made of, if they are delivered from here. */
  direct: readonly Outgoing[] | undefined;
}

/** Tells those that wait whether the commit was done. */
export function openGates(batch: Batch, isCommitted: boolean): void {
  for (const gate of batch.gates ?? []) gate(isCommitted);
}

/** Whether a write-behind actor writes it at once: the whole actor waits for a delete, others for messages. */
export function isUrgent(batch: Batch): boolean {
  return batch.isDelete || batch.messages !== undefined;
}

/** Adds what a change sends and consumes. */
export function addMessages(batch: Batch, { sends, message }: Change): void {
  batch.messages ??= { sends: [], consumes: [], units: 0, stored: NO_MESSAGES, direct: undefined };
  if (message !== undefined) {
    const { id, sentAt } = message;
    batch.messages.consumes.push({ id, sentAt });
  }
  for (const outgoing of sends) {
    batch.messages.sends.push(outgoing);
    batch.messages.units += unitsOf(outgoing);
    batch.units += unitsOf(outgoing);
  }
}

/** Makes one batch of two: everything of `first` comes before what is in `next`. */
export function joinBefore(next: Batch, first: Batch): void {
  next.since = first.since;
  next.isDelete ||= first.isDelete;
  next.entries.unshift(...first.entries);
  if (first.gates !== undefined) next.gates = [...first.gates, ...(next.gates ?? [])];
  if (first.stored !== undefined) next.stored = new Map([...first.stored, ...(next.stored ?? [])]);
  if (first.messages !== undefined) next.messages = joinMessages(first.messages, next.messages);
}

/**
 * Leaves out messages that are not stored any more, and answers whether there were any: what a
 * write-behind actor has acknowledged does not depend on a message that was cancelled meanwhile.
 */
export function consumesLess({ messages }: Batch, answer: StoreAnswer): boolean {
  if (messages === undefined) return false;
  const left = messages.consumes.filter((consumed) => isStored(consumed, answer));
  const isLess = left.length < messages.consumes.length;
  messages.consumes = left;
  return isLess;
}

function joinMessages(first: BatchMessages, then: BatchMessages | undefined): BatchMessages {
  return {
    ...first,
    sends: [...first.sends, ...(then?.sends ?? [])],
    consumes: [...first.consumes, ...(then?.consumes ?? [])],
    units: first.units + (then?.units ?? 0),
  };
}

/** A batch that begins with a change made at `now` (monotonic). */
export function newBatch(now: number): Batch {
  return {
    entries: [],
    gates: undefined,
    stored: undefined,
    messages: undefined,
    units: 0,
    sealedLength: 0,
    isDelete: false,
    since: now,
    bytes: undefined,
    tags: undefined,
    etag: undefined,
    at: 0,
    keepsRevision: false,
  };
}

/** Fails what the batch would have changed, and returns the reads in it, which can run again. */
export function failChanges(batch: Batch, cause: SpawnError): Invocation[] {
  const reads: Invocation[] = [];
  for (const invocation of batch.entries) {
    if (invocation.isChange) invocation.fail(cause);
    else reads.push(invocation);
  }
  return reads;
}

/** Takes the outcome of invocations back: they have to run again. */
export function takeBack(invocations: readonly Invocation[]): readonly Invocation[] {
  for (const invocation of invocations) invocation.takeBack();
  return invocations;
}

const NO_MESSAGES: readonly Message[] = [];
