/** Actions of one actor that become durable together: what a growing commit is made of. */
import type { ActorDefinition } from "../actor-definition.ts";
import type { ActorId } from "../actor-id.ts";
import { SpawnError } from "../errors.ts";
import type { Invocation } from "../calls/invocation.ts";
import { isStored } from "../message-store.ts";
import type { Message, MessageRef, StoredMessage } from "../message-store.ts";
import { unitsOf } from "../messages/message-payload.ts";
import type { IndexEntry } from "../values/index-values.ts";
import type { Outbox } from "../messages/outbox.ts";
import { DELIVERY_GRACE_MS, storedAs } from "../messages/sending.ts";
import type { Outgoing } from "../messages/sending.ts";
import type {
  Commit,
  Etag,
  StateBytes,
  StoreAnswer,
  StoredActor,
  StoredReply,
  Tags,
} from "../statestore.ts";

/** What an action left behind: the state and tags after it, and what its commit has to remember. */
export interface Change {
  readonly bytes: StateBytes | undefined;
  readonly tags: Tags | undefined;
  /** The entries of the index, if they were made anew. */
  readonly index?: readonly IndexEntry[] | undefined;
  readonly isDelete: boolean;
  readonly stored: StoredReply | undefined;
  /** The ids of the messages that it cancelled: those from before, none of {@link Change.sends}. */
  readonly cancels: readonly string[];
  /** The messages that it sent. */
  readonly sends: readonly Outgoing[];
  /** The message that it consumes. */
  readonly message: StoredMessage | undefined;
  /** The one of {@link Change.sends} that answers the caller. */
  readonly step: Outgoing | undefined;
}

/** A change whose caller waits until it is durable. */
export interface DurableChange {
  readonly invocation: Invocation;
  readonly reply: unknown;
  /** About how much memory the reply takes, in UTF-16 units. */
  readonly units: number;
  readonly change: Change;
  /** The time (monotonic). */
  readonly now: number;
}

/** Hears whether the commit it waits for was done. */
export type Gate = (isCommitted: boolean) => void;

/** Actions that become durable together. There is one for every commit in flight, so it stays small. */
export interface Batch {
  entries: Invocation[];
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
  /** When the oldest change in it was made (monotonic, whole milliseconds); known when sealed. */
  since: number;
  bytes: StateBytes | undefined;
  tags: Tags | undefined;
  etag: Etag | undefined;
  /** When it was sealed (wall), if it keeps the state before it as a revision. */
  keptAt: number | undefined;
}

/** Messages of a batch. */
export interface BatchMessages {
  sends: Outgoing[];
  consumes: MessageRef[];
  /** Ids; what is sent under one of them was sent after it was cancelled. */
  readonly cancels: string[];
  /** About how much memory the sent ones take, in UTF-16 units. */
  units: number;
  /** The sent ones as they are stored; there when sealed. */
  stored: readonly Message[];
  /** What they were made of, if they are delivered from here. */
  direct: readonly Outgoing[] | undefined;
}

/** Closes a batch with the state after its last action. */
export function sealState(
  batch: Batch,
  { etag, since, bytes, tags }: Readonly<Pick<Batch, "etag" | "since" | "bytes" | "tags">>,
): void {
  batch.etag = etag;
  batch.since = since;
  batch.bytes = bytes;
  batch.tags = tags;
  batch.sealedLength = batch.entries.length;
  batch.units = 0;
}

/** When the last revision was kept of a row whose state is none: it is damaged, or was deleted. */
export const NOT_TO_KEEP: number = Infinity;

/** When a revision was kept last of what is stored. */
export function keptAtOf(row: StoredActor | undefined): number | undefined {
  const isState = row?.problem === undefined && row?.isDeleted !== true;
  return isState ? row?.keptAt : NOT_TO_KEEP;
}

/**
 * Whether a commit keeps the state before it as a revision, when the last one was kept at `keptAt`. What
 * nobody could read is kept, however young.
 */
export function isRevisionDue(
  { revisionsKept, snapshotTimeoutMs }: ActorDefinition,
  at: number,
  before: { readonly keptAt: number | undefined; readonly isUnread: boolean },
): boolean {
  const { keptAt, isUnread } = before;
  if (revisionsKept === 0 || keptAt === NOT_TO_KEEP) return false;
  return isUnread || keptAt === undefined || at - keptAt >= snapshotTimeoutMs;
}

/** The commit of a sealed batch, on top of the row that is known. */
export function commitOf(
  batch: Batch,
  { state, revisionsKept, revisionsKeptMs }: ActorDefinition,
  row: Pick<Commit, "actor" | "handle" | "previous" | "revision" | "at" | "index">,
): Commit {
  const { isDelete, messages, stored } = batch;
  // Field by field: a copy that gets more fields has to grow, and there is one for every commit.
  return {
    actor: row.actor,
    handle: row.handle,
    previous: row.previous,
    revision: row.revision,
    at: row.at,
    index: row.index,
    etag: batch.etag!,
    state: isDelete ? undefined : batch.bytes,
    codec: state?.codec.name ?? "json",
    stateVersion: state?.version ?? 1,
    tags: isDelete ? undefined : batch.tags,
    isDelete,
    revisionsKept: batch.keptAt === undefined ? 0 : revisionsKept,
    revisionsSince: revisionsKeptMs === undefined ? undefined : row.at - revisionsKeptMs,
    replies: stored === undefined ? NO_REPLIES : [...stored.values()],
    consumes: messages?.consumes ?? NO_CONSUMED,
    cancels: messages?.cancels ?? NO_IDS,
    sends: messages?.stored ?? NO_MESSAGES,
  };
}

/** Resolves when the batch is committed; rejects when it never will be. */
export function whenCommitted(batch: Batch): Promise<void> {
  return new Promise((resolve, reject) => {
    batch.gates ??= [];
    batch.gates.push((isCommitted) =>
      isCommitted
        ? resolve()
        : reject(new SpawnError("CANCELLED", "the state that this action saw was not committed")),
    );
  });
}

/** Tells those that wait whether the commit was done. */
export function openGates(batch: Batch, isCommitted: boolean): void {
  for (const gate of batch.gates ?? []) gate(isCommitted);
}

/** Whether a write-behind actor writes it at once: somebody waits for it, or it remembers a great many replies. */
export function isUrgent({ entries, messages, stored }: Batch): boolean {
  const isFull = stored !== undefined && stored.size >= STORED_REPLIES_MAX;
  return entries.length > 0 || messages !== undefined || isFull;
}

/** Whether what grows, besides changing the state, does nothing but to begin the timers of the actor. */
export function beginsTimersAtMost(next: Batch | undefined): boolean {
  if (next === undefined) return true;
  if (next.entries.length > 0 || next.stored !== undefined) return false;
  if (next.messages === undefined) return true;
  const { sends, consumes, cancels } = next.messages;
  return consumes.length + cancels.length === 0 && sends.every(({ isTimer }) => isTimer);
}

/** Whether a change is one of state and tags alone, with nothing to remember or to send. */
export function isStateAlone({ isDelete, stored, message, sends, cancels }: Change): boolean {
  const hasMessages = message !== undefined || sends.length > 0 || cancels.length > 0;
  return !isDelete && stored === undefined && !hasMessages;
}

/** Adds what waits for the outcome. Most batches have one, and an array that begins with it has no room to spare. */
export function addEntry(batch: Batch, invocation: Invocation): void {
  if (batch.entries.length === 0) batch.entries = [invocation];
  else batch.entries.push(invocation);
}

/** Adds what a change does besides changing the state. */
export function addBesideState(batch: Batch, change: Change): void {
  const { message, sends, cancels, isDelete, stored } = change;
  if (message !== undefined || sends.length > 0 || cancels.length > 0) addMessages(batch, change);
  if (isDelete) batch.isDelete = true;
  if (stored === undefined) return;
  batch.stored ??= new Map();
  batch.stored.set(stored.key, stored);
}

/** Adds what a change sends, cancels and consumes. */
export function addMessages(batch: Batch, change: Change): void {
  const { cancels, message } = change;
  const consumes = message === undefined ? [] : [{ id: message.id, sentAt: message.sentAt }];
  const units = unitsToSend(change);
  batch.units += units;
  const { messages } = batch;
  if (messages === undefined) {
    // Arrays that begin with what they hold: most batches get nothing more, and have no room to spare.
    const sends = [...change.sends];
    const unsealed = { stored: NO_MESSAGES, direct: undefined };
    batch.messages = { sends, consumes, cancels: [...cancels], units, ...unsealed };
    return;
  }
  messages.sends = without(messages.sends, cancels);
  messages.sends.push(...change.sends);
  messages.consumes.push(...consumes);
  messages.cancels.push(...cancels);
  messages.units += units;
}

/** Makes of what a batch sends what is stored, and takes the room for delivering it from here, if there is any. */
export function sealMessages(
  { messages, isDelete }: Batch,
  {
    source,
    at,
    outbox,
  }: { readonly source: ActorId; readonly at: number; readonly outbox: Pick<Outbox, "reserve"> },
): void {
  if (messages === undefined) return;
  // Its timers go with an actor, also those that begin or go on in the same commit.
  if (isDelete) messages.sends = messages.sends.filter(({ isTimer }) => !isTimer);
  const stored = messages.sends.filter(({ isStored: isKept }) => isKept);
  const isDirect = outbox.reserve(source, stored);
  messages.direct = isDirect ? stored : undefined;
  const graceMs = isDirect ? DELIVERY_GRACE_MS : 0;
  messages.stored = stored.map((outgoing) => storedAs(outgoing, { source, at, graceMs }));
}

/** About how much memory the messages take that a change sends, in UTF-16 units. */
export function unitsToSend({ sends }: Change): number {
  let units = 0;
  for (const outgoing of sends) units += unitsOf(outgoing);
  return units;
}

/** Makes one batch of two: everything of `first` comes before what is in `next`. */
export function joinBefore(next: Batch, first: Batch): void {
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
  const gone = messages.consumes.filter((consumed) => !left.includes(consumed));
  messages.consumes = left;
  // What was cancelled does not come again.
  messages.sends = messages.sends.filter(
    ({ id, sentAfter }) => !gone.some((one) => one.id === id && one.sentAt === sentAfter),
  );
  return gone.length > 0;
}

/** Whether an action in the batch has cancelled the message. */
export function isCancelled({ id }: MessageRef, batch: Batch | undefined): boolean {
  return batch?.messages?.cancels.includes(id) ?? false;
}

/** The messages that are not cancelled. */
export function without(sends: Outgoing[], cancels: readonly string[]): Outgoing[] {
  if (sends.length === 0 || cancels.length === 0) return sends;
  const ids = new Set(cancels);
  return sends.filter(({ id }) => !ids.has(id));
}

function joinMessages(first: BatchMessages, then: BatchMessages | undefined): BatchMessages {
  return {
    ...first,
    sends: [...without(first.sends, then?.cancels ?? []), ...(then?.sends ?? [])],
    cancels: [...first.cancels, ...(then?.cancels ?? [])],
    consumes: [...first.consumes, ...(then?.consumes ?? [])],
    units: first.units + (then?.units ?? 0),
  };
}

/** A batch with nothing in it yet. */
export function newBatch(): Batch {
  return {
    entries: [],
    gates: undefined,
    stored: undefined,
    messages: undefined,
    units: 0,
    sealedLength: 0,
    isDelete: false,
    since: 0,
    bytes: undefined,
    tags: undefined,
    etag: undefined,
    keptAt: undefined,
  };
}

/** Everything in the batch is durable: its invocations are answered, or go on elsewhere. */
export function answerAll({ entries }: Batch, outbox: Pick<Outbox, "goesOn">): void {
  for (const invocation of entries) {
    if (invocation.continuesAs !== undefined) outbox.goesOn(invocation);
    else if (invocation.refusal !== undefined) invocation.fail(invocation.refusal);
    else invocation.succeed(invocation.reply);
  }
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

/** What a caller is told when nobody can know any more whether its commit was applied. */
export function outcomeLost(): SpawnError {
  return new SpawnError(
    "UNKNOWN_OUTCOME",
    "the statestore does not tell any more whether the commit was applied; repeat the call with its idempotency key",
    { applied: "unknown" },
  );
}

/** Takes the outcome of invocations back: they have to run again. */
export function takeBack(invocations: readonly Invocation[]): readonly Invocation[] {
  for (const invocation of invocations) invocation.takeBack();
  return invocations;
}

/** Replies to remember that make a write-behind state be written before it is due. */
const STORED_REPLIES_MAX = 200;
const NO_REPLIES: readonly StoredReply[] = [];
const NO_IDS: readonly string[] = [];
const NO_CONSUMED: readonly MessageRef[] = [];
const NO_MESSAGES: readonly Message[] = [];
