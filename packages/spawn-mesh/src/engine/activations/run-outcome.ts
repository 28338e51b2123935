/** What a finished run means: a change to commit, a mere reply, or a failure. */
import { formatActorId } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import type { Change } from "../commits/commit-batch.ts";
import type { CommitPipeline } from "../commits/commit-pipeline.ts";
import { SpawnError, describeThrown, errorAt, isSpawnError } from "../errors.ts";
import { isFailure } from "../failure.ts";
import { indexEntries, type IndexEntry } from "../values/index-values.ts";
import type { Invocation } from "../calls/invocation.ts";
import type { Run } from "./run.ts";
import type { Outgoing } from "../messages/sending.ts";
import type { StateBytes, StoredReply, Tags } from "../statestore.ts";
import { composeStep, nextOccurrence } from "../messages/sending.ts";
import type { SendingParts } from "../messages/sending.ts";
import { failedOutcome, storedOutcome } from "../messages/stored-outcome.ts";
import type { Outcome, StoredOutcomeParts } from "../messages/stored-outcome.ts";
import type { Time } from "../time/time.ts";
import { checkTextRecord } from "../values/text-record.ts";
import { textOfValue } from "../values/value-text.ts";
import { copyBounded, copyValue, lastCopiedUnits } from "../values/values.ts";

export interface RunOutcome {
  readonly reply: unknown;
  /** About how much memory the reply takes, in UTF-16 units. */
  readonly units: number;
  /** What the commit has to store; `undefined` when nothing changed. */
  readonly change: Change | undefined;
}

/** What the outcome depends on besides the run: the activation, with bytes and tags from before the run. */
export interface RunSurroundings extends Pick<
  CommitPipeline,
  "id" | "definition" | "bytes" | "tags" | "index" | "oldestUnstored"
> {
  /** The clock was read last when the run was over. */
  readonly parts: SendingParts & { readonly time: Time };
  /** The state as the action left it. */
  readState(): unknown;
}

/** What a run has to store besides a state. */
type Messages = Pick<Change, "stored" | "cancels" | "sends" | "message" | "step">;

/**
 * What the run changed.
 *
 * @throws when reply, state or tags are not valid values, when a read changed something, or when a
 * write-behind actor may not take changes now
 */
export function changeOf(run: Run, result: unknown, around: RunSurroundings): RunOutcome {
  const { parts } = around;
  const isWanted = !run.invocation.details?.isUnread || run.routing?.kind === "pipe";
  const reply = isWanted ? copyBounded(result, "reply", parts.limits.payloadBytesMax) : undefined;
  const units = isWanted ? lastCopiedUnits() : 0;
  const bytes = run.isStateUsed ? encodeState(around) : around.bytes;
  const tags = run.newTags === undefined ? around.tags : changedTags(run.newTags, around);
  const { isDelete } = run;
  if (isDelete && around.definition.state === undefined) throw nothingToDelete(around);
  const isMade = isDelete || run.isCreation;
  const isChanged = bytes !== around.bytes || tags !== around.tags || isMade;
  if (run.invocation.action.isRead) checkRead(run, isChanged);
  const post = isPlain(run) ? NO_MESSAGES : messagesOf(run, reply, around);
  const { stored, cancels, sends, message, step } = post;
  const hasPost = message !== undefined || sends.length > 0 || cancels.length > 0;
  if (!isChanged && stored === undefined && !hasPost) return { reply, units, change: undefined };
  refuseWhenOverdue(around);
  const index = isDelete ? undefined : changedIndex(bytes, around);
  const change = { bytes, tags, index, isDelete, stored, cancels, sends, message, step };
  return { reply, units, change };
}

function nothingToDelete({ id }: RunSurroundings): SpawnError {
  const what = `${formatActorId(id)} has no state, so there is nothing to delete`;
  return new SpawnError("INVALID_ARGUMENT", what);
}

/**
 * The entries of the actor's index, if it has one and they may have changed. An action that leaves the state as
 * it was is not to blame when they cannot be made of it: the stored ones stay.
 */
function changedIndex(
  bytes: StateBytes | undefined,
  around: RunSurroundings,
): readonly IndexEntry[] | undefined {
  const { index, definition } = around;
  if (index === undefined) return undefined;
  if (bytes !== around.bytes) return indexEntries(definition.index!(around.readState()));
  if (!index.isUnknown) return undefined;
  try {
    return indexEntries(definition.index!(around.readState()));
  } catch {
    return undefined;
  }
}

function checkRead(run: Run, isChanged: boolean): void {
  if (!isChanged && !hasSent(run)) return;
  const did = isChanged ? "changed the state" : "sent or cancelled a message";
  throw new TypeError(`${run.invocation.action.name} is a read and ${did}`);
}

/** Whether a run has nothing to do with messages and keys, as most have not. */
function isPlain(run: Run): boolean {
  return run.invocation.details === undefined && !hasSent(run);
}

function hasSent({ sends, cancels, routing }: Run): boolean {
  return sends !== undefined || cancels !== undefined || routing !== undefined;
}

function messagesOf(run: Run, reply: unknown, around: RunSurroundings): Messages {
  const { invocation } = run;
  const message = invocation.details?.message;
  const step = stepOf(run, reply, around);
  const cancels = run.cancels ?? NO_IDS;
  const isLast = message === undefined || cancels.includes(message.id);
  const again = isLast ? undefined : nextOccurrence(message, around.parts);
  const sends = run.sends ?? [];
  if (step !== undefined) sends.push(step);
  if (again !== undefined) sends.push(again);
  const outcome: Outcome =
    step === undefined ? { kind: "reply", value: reply } : continuedOutcome(step);
  const stored = storedReplyOf(invocation, outcome, around.parts);
  return { stored, cancels, sends, message, step };
}

const NO_SENDS: readonly Outgoing[] = [];
const NO_IDS: readonly string[] = [];
const NO_MESSAGES: Messages = {
  stored: undefined,
  cancels: NO_IDS,
  sends: NO_SENDS,
  message: undefined,
  step: undefined,
};

/**
 * The change of a step that failed and whose outcome is remembered: none, but that it is over. What
 * the caller is told is stored, so that whoever repeats the call is told the same.
 */
export function failedStep(
  invocation: Invocation,
  error: SpawnError,
  { bytes, tags, parts }: RunSurroundings,
): Change {
  const stored = storedReplyOf(invocation, failedOutcome(error), parts);
  const consumed = invocation.details?.message;
  return {
    bytes,
    tags,
    isDelete: false,
    stored,
    cancels: NO_IDS,
    sends: NO_SENDS,
    message: consumed,
    step: undefined,
  };
}

/** Whether even the caller of a write-behind actor has to wait until the change is stored. */
export function hasToWait({ isDelete, isCheckpoint }: Run, { message, step }: Change): boolean {
  return isDelete || isCheckpoint || message !== undefined || step !== undefined;
}

/** Where the call goes on. @throws {SpawnError} `CYCLE` */
function stepOf(
  { routing, invocation }: Run,
  reply: unknown,
  { id, parts, definition }: RunSurroundings,
): Outgoing | undefined {
  if (routing === undefined) return undefined;
  const { details, payload: input } = invocation;
  const headers = details?.message?.headers;
  // Without a state it has nothing to remember with, so the actor before it does that for it.
  const rememberedBy = definition.state === undefined ? headers?.rememberedBy : id;
  const payload = routing.kind === "pipe" ? reply : input;
  return composeStep(parts, routing, {
    payload: payload === undefined ? null : textOfValue(payload),
    hops: headers?.hops ?? 0,
    metadata: details?.metadata,
    rememberedBy: details?.idempotencyKey === undefined ? undefined : rememberedBy,
  });
}

function continuedOutcome({ id, target, headers }: Outgoing): Outcome {
  return { kind: "continued", value: { target, step: id, rememberedBy: headers.rememberedBy } };
}

/** The error of a run whose code threw, or returned a failure. */
export function failureOf(id: ActorId, action: string, thrown: unknown): SpawnError {
  const what = `${formatActorId(id)} ${action}`;
  if (!isFailure(thrown)) {
    const isObject = typeof thrown === "object" && thrown !== null && !(thrown instanceof Error);
    const advice = isObject ? ", which is no Error; throw one, or return fail(code, data)" : "";
    const text = `${what}: ${describeThrown(thrown)}${advice}`;
    return new SpawnError("ACTION_FAILED", text, { cause: thrown });
  }
  const code = describeThrown(thrown.code);
  try {
    const failure = { code, data: copyValue(thrown.data, "failure data") };
    return new SpawnError("ACTION_FAILED", `${what}: ${code}`, { failure });
  } catch (error) {
    return new SpawnError("ACTION_FAILED", `${what}: ${code}, with data that is no JSON value`, {
      cause: error,
    });
  }
}

/** The error of an actor that cannot come to life. */
export function initError(id: ActorId, thrown: unknown): SpawnError {
  if (isSpawnError(thrown)) return errorAt(formatActorId(id), thrown);
  return new SpawnError(
    "ACTION_FAILED",
    `${formatActorId(id)}: the initial state failed: ${describeThrown(thrown)}`,
    { cause: thrown },
  );
}

/** The state as bytes: those from before when it is still the same. */
function encodeState(around: RunSurroundings): StateBytes | undefined {
  const { bytes: before, definition, parts } = around;
  if (definition.state === undefined) return undefined;
  const { codec } = definition.state;
  const bytes = codec.encode(around.readState());
  if (before !== undefined && codec.isSame(bytes, before)) return before;
  if (bytes.length > parts.limits.stateUnitsMax) {
    throw new SpawnError(
      "PAYLOAD_TOO_LARGE",
      `state: expected a size of at most ${parts.limits.stateUnitsMax} as ${codec.name} (limits.stateUnitsMax), got ${bytes.length}`,
    );
  }
  return bytes;
}

function changedTags(tags: Tags, around: RunSurroundings): Tags | undefined {
  const { tags: before, definition, parts } = around;
  if (definition.state === undefined) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `tags: ${definition.name} has no state to keep them with`,
    );
  }
  const copied = copyValue(tags, "tags");
  checkTextRecord("tags", copied);
  const text = JSON.stringify(copied);
  const { tagsUnitsMax } = parts.limits;
  if (text.length > tagsUnitsMax) {
    throw new SpawnError(
      "PAYLOAD_TOO_LARGE",
      `tags: expected at most ${tagsUnitsMax} characters as JSON, got ${text.length}`,
    );
  }
  return text === JSON.stringify(before ?? {}) ? before : Object.freeze(copied);
}

function storedReplyOf(
  { details }: Invocation,
  outcome: Outcome,
  parts: StoredOutcomeParts,
): StoredReply | undefined {
  if (details?.idempotencyKey === undefined) return undefined;
  const { idempotencyKey: key, fingerprint } = details;
  return storedOutcome({ key, fingerprint }, outcome, parts);
}

/** A write-behind actor whose changes are not being stored takes no more of them: the promised bound holds. */
function refuseWhenOverdue({ oldestUnstored: oldest, definition, parts }: RunSurroundings): void {
  if (oldest === undefined) return;
  const elapsedMs = parts.time.last - oldest;
  if (elapsedMs <= definition.snapshotTimeoutMs + parts.limits.flushMaxMs) return;
  throw new SpawnError(
    "STATESTORE_UNAVAILABLE",
    `changes are not being stored since ${Math.round(elapsedMs)} ms; a write-behind actor takes no more until they are`,
  );
}
