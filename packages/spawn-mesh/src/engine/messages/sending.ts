/**
 * Messages as actions and callers make them, checked before anything is stored.
 *
 * Whoever sends decides to whom, what and when; id, source and the time of sending are added here and
 * when the commit is sealed.
 */
import { checkName } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import { copyMetadata } from "../calls/call-options.ts";
import type { Clock, Random } from "../clock.ts";
import { SpawnError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { storedId } from "./message-ids.ts";
import type { Message, MessageHeaders, Repetition, StoredMessage } from "../message-store.ts";
import { payloadText, readablePayload } from "./message-payload.ts";
import { nextTime } from "./repetition.ts";
import type { CronTimes } from "./repetition.ts";
import {
  checkSendOptions,
  checkTarget,
  dueTime,
  repetitionOf,
  waitingFor,
} from "./send-options.ts";
import type { SendRequest } from "./send-options.ts";
import type { Routing } from "../activations/run.ts";

/** A message that is made and not yet stored. */
export interface Outgoing {
  readonly id: string;
  readonly target: ActorId;
  readonly action: string;
  readonly payload: string | null;
  readonly headers: MessageHeaders;
  readonly isOrdered: boolean;
  readonly isTimer: boolean;
  /** Whether the sender chose its id, so that another message of that id may be stored already. */
  readonly isNamed: boolean;
  /** When it is due (wall); `undefined` for at once. */
  readonly dueAt: number | undefined;
  /** Whether it is stored, or only tried once. */
  readonly isStored: boolean;
  /** When the one was sent whose place it takes (wall). */
  readonly sentAfter?: number;
}

/** For how long a message is left to the process that committed it, in milliseconds. */
export const DELIVERY_GRACE_MS = 5_000;

/** What making a message needs. */
export interface SendingParts {
  readonly system: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly cronTimes: CronTimes;
}

/** Who sends, and while it serves a call with which metadata. */
export interface Sender {
  readonly id: ActorId;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

/**
 * A message to the actor `name`.
 *
 * @param sender the actor that sends it; `undefined` for one from outside
 * @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE`
 */
export function composeCall(
  parts: SendingParts,
  to: { readonly name: string; readonly request: SendRequest },
  sender: Sender | undefined,
): Outgoing {
  const { name, request } = to;
  checkSendOptions(request);
  checkTarget(name, request);
  const repeat = repetitionOf(request);
  const dueAt = dueTime(parts, request, repeat);
  const all = mergeMetadata(parts.limits, sender?.metadata, request.metadata);
  return {
    id: request.id === undefined ? newMessageId(parts) : storedId(sender?.id, request.id),
    target: {
      system: request.system ?? parts.system,
      definition: request.definition ?? name,
      name,
    },
    action: request.action,
    payload: payloadText(request.payload, parts.limits),
    headers: {
      kind: request.definition === EXTERNAL ? "external" : "call",
      ...(all === undefined ? undefined : { metadata: all }),
      ...plannedFor(dueAt, repeat),
      ...waitingFor(request, repeat),
    },
    isOrdered: request.ordered !== false && dueAt === undefined,
    isTimer: false,
    isNamed: request.id !== undefined,
    dueAt,
    isStored: request.reliability !== "fire",
  };
}

/** When a message is to be delivered that is not delivered at once. */
function plannedFor(
  dueAt: number | undefined,
  repeat: Repetition | undefined,
): Pick<MessageHeaders, "notBefore" | "repeat"> | undefined {
  if (dueAt === undefined) return undefined;
  return repeat === undefined ? { notBefore: dueAt } : { repeat: { ...repeat, plannedAt: dueAt } };
}

/**
 * The step with which a call goes on in another actor.
 *
 * @param payload as JSON text
 * @throws {SpawnError} `CYCLE` when there were too many before it, `INVALID_ARGUMENT`
 */
export function composeStep(
  parts: SendingParts,
  routing: Routing,
  call: {
    readonly payload: string | null;
    readonly hops: number;
    readonly metadata: Readonly<Record<string, string>> | undefined;
    /** Who remembers its outcome, if anybody asks for that and the target cannot. */
    readonly rememberedBy: ActorId | undefined;
  },
): Outgoing {
  const { hops, metadata, payload, rememberedBy } = call;
  if (hops >= parts.limits.hopsMax) {
    throw new SpawnError(
      "CYCLE",
      `a call goes on in at most ${parts.limits.hopsMax} other actors by pipes and forwards`,
    );
  }
  const { name, request } = routing;
  const { system = parts.system, definition = name, action } = request;
  return {
    id: newMessageId(parts),
    target: { system, definition, name },
    action,
    payload,
    headers: {
      kind: "step",
      hops: hops + 1,
      ...(metadata === undefined ? undefined : { metadata }),
      ...(rememberedBy === undefined ? undefined : { rememberedBy }),
    },
    // Somebody waits for it, so it waits for nobody.
    isOrdered: false,
    isTimer: false,
    isNamed: false,
    dueAt: undefined,
    isStored: true,
  };
}

/** The definition that stands for functions outside where a message has its target. */
export const EXTERNAL = "<external>";

/** The definition that stands for the channels where a message has its target. */
export const CHANNEL = "<channel>";

/**
 * A message to all subscribers of a channel, which calls `action` on them, or what each subscription says.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE`
 */
export function composeBroadcast(
  parts: SendingParts,
  channel: string,
  { payload, action }: { readonly payload: unknown; readonly action?: string | undefined },
): Outgoing {
  checkName("channel", channel);
  if (action !== undefined) checkName("action", action);
  return {
    id: newMessageId(parts),
    target: { system: parts.system, definition: CHANNEL, name: channel },
    action: action ?? "",
    payload: payloadText(payload, parts.limits),
    headers: { kind: "broadcast" },
    isOrdered: true,
    isTimer: false,
    isNamed: false,
    dueAt: undefined,
    isStored: true,
  };
}

/** A repeated message as it comes next; `undefined` if it does not come again. */
export function nextOccurrence(
  message: Message,
  { clock, cronTimes }: Pick<SendingParts, "clock" | "cronTimes">,
): Outgoing | undefined {
  const { id, target, action, headers, isTimer, sentAt } = message;
  const { repeat } = headers;
  if (repeat === undefined) return undefined;
  const dueAt = nextTime(repeat, clock.wall(), cronTimes);
  if (dueAt === undefined) return undefined;
  return {
    id,
    target,
    action,
    payload: readablePayload(message),
    headers: repeated(headers, repeat, dueAt),
    isOrdered: false,
    isTimer,
    isNamed: false,
    dueAt,
    isStored: true,
    sentAfter: sentAt,
  };
}

/** What goes with a repeated message that is planned for that time. */
export function repeated(
  headers: MessageHeaders,
  repeat: Repetition,
  plannedAt: number,
): MessageHeaders {
  const { delayMs: _, ...others } = headers;
  const waits = "everyMs" in repeat ? { delayMs: repeat.everyMs } : undefined;
  return { ...others, ...waits, repeat: { ...repeat, plannedAt } };
}

/**
 * Whether a message can be delivered from memory when it was sent: only if what is stored under its id
 * is certainly this one, and not an earlier one that kept it from being sent.
 */
export function isSurelySent({ isNamed, dueAt }: Outgoing): boolean {
  return !isNamed || dueAt !== undefined;
}

/**
 * How it is stored: from whom, and when it may be claimed. The clock may have been set back since it was made:
 * what was to wait for some time waits no longer because of that.
 */
export function storedAs(
  outgoing: Outgoing,
  {
    source,
    at,
    graceMs,
  }: { readonly source: ActorId | undefined; readonly at: number; readonly graceMs: number },
): StoredMessage {
  const { id, target, action, payload, isOrdered, isTimer, sentAfter = -1 } = outgoing;
  const { dueAt, headers } = soonEnough(outgoing, at);
  return {
    id,
    source,
    target,
    action,
    payload,
    headers,
    isOrdered,
    isTimer,
    sentAt: Math.max(at, sentAfter + 1),
    dueAt: dueAt ?? at + graceMs,
    attempts: 0,
    error: undefined,
  };
}

function soonEnough(outgoing: Outgoing, at: number): Pick<Outgoing, "dueAt" | "headers"> {
  const { dueAt, headers } = outgoing;
  const latest = at + (headers.delayMs ?? Infinity);
  if (dueAt === undefined || dueAt <= latest) return outgoing;
  const { repeat } = headers;
  const planned =
    repeat === undefined ? { notBefore: latest } : { repeat: { ...repeat, plannedAt: latest } };
  return { dueAt: latest, headers: { ...headers, ...planned } };
}

/**
 * A new id of a message: 32 hexadecimal digits, of which the first 12 are the time. So ids of one time
 * are neighbours in the statestore's index: what lives for milliseconds touches the same few pages, and
 * not one among a million of what waits for next week.
 */
export function newMessageId({ clock, random }: Pick<SendingParts, "clock" | "random">): string {
  const bits = random.id();
  let id = Math.floor(clock.wall()).toString(16).padStart(TIME_DIGITS, "0");
  for (let index = 0; index < RANDOM_BYTES; index++) id += HEX[bits.charCodeAt(index)]!;
  return id;
}

const TIME_DIGITS = 12;
const RANDOM_BYTES = 10;
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Metadata of the call underneath that of the message. */
function mergeMetadata(
  { metadataBytesMax }: Limits,
  inherited: Readonly<Record<string, string>> | undefined,
  own: unknown,
): Readonly<Record<string, string>> | undefined {
  const copied = own === undefined ? undefined : copyMetadata(own, metadataBytesMax);
  if (inherited === undefined || Object.keys(inherited).length === 0) return copied;
  return copied === undefined ? inherited : { ...inherited, ...copied };
}
