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
import { checkWholeNumber } from "../limits.ts";
import { noSuchOption } from "../option-names.ts";
import { checkGivenId, storedId } from "./message-ids.ts";
import type { Message, MessageHeaders, Repetition } from "../message-store.ts";
import { payloadText, readablePayload } from "./message-payload.ts";
import { firstTime, nextTime } from "./repetition.ts";
import type { CronTimes } from "./repetition.ts";
import type { Routing } from "../activations/run.ts";

/** When a message is delivered, and how. */
export interface SendOptions {
  /**
   * Its id, 1 to 100 letters, digits and any of `._:/-`. While a message that this sender gave this id
   * waits or is parked, another one is not sent. Each actor has ids of its own: what is stored, and
   * returned, is the id with the actor behind it. Default: a random one.
   */
  readonly id?: string | undefined;
  /** Not before so many milliseconds have passed. Survives restarts, like everything that is sent. */
  readonly delayMs?: number | undefined;
  /** Not before this time, in milliseconds since 1970. One in the past means at once. */
  readonly scheduledTo?: number | undefined;
  /** Again and again, so many milliseconds after the time it was planned for; at least 1. */
  readonly everyMs?: number | undefined;
  /** Again and again, at the times of a cron expression with five fields, or six that begin with seconds. */
  readonly cron?: string | undefined;
  /** IANA name of the time zone of `cron`. Default `UTC`. */
  readonly timeZone?: string | undefined;
  /**
   * What becomes of planned times that pass while nobody can take them: `one` delivery for all of
   * them, `all` of them one after the other, or `skip` them. Default `one`.
   */
  readonly catchUp?: Repetition["catchUp"] | undefined;
  /** Whether it waits for what this actor sent to the same target before. Default `true`; never for what is delivered later or again. */
  readonly ordered?: boolean | undefined;
  /** `stored`: exactly once on state, whatever dies. `fire`: sent once and forgotten, stored nowhere. Default `stored`. */
  readonly reliability?: "stored" | "fire" | undefined;
  /** Text that goes with it, as `ctx.metadata`, over that of the call that the sender serves. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** What is sent to an actor by names. */
export interface SendRequest extends SendOptions {
  /** The action to run. */
  readonly action: string;
  readonly payload?: unknown;
  /** The definition, when the target is not a named actor. */
  readonly definition?: string | undefined;
  /** The actor system. Default: the sender's own. */
  readonly system?: string | undefined;
}

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

/** The latest time that can be asked for, in milliseconds from now: about a hundred years. */
const SCHEDULE_MS_MAX: number = 100 * 366 * 24 * 60 * 60 * 1_000;

const OPTION_NAMES: readonly string[] = [
  "id",
  "delayMs",
  "scheduledTo",
  "everyMs",
  "cron",
  "timeZone",
  "catchUp",
  "ordered",
  "reliability",
  "metadata",
  "action",
  "payload",
  "definition",
  "system",
];
const KNOWN_OPTIONS: ReadonlySet<string> = new Set(OPTION_NAMES);

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

/** For how long it waits, if somebody asked for that and not for a time. */
function waitingFor(
  { delayMs, scheduledTo }: SendOptions,
  repeat: Repetition | undefined,
): Pick<MessageHeaders, "delayMs"> | undefined {
  if (repeat !== undefined && !("everyMs" in repeat)) return undefined;
  if (delayMs !== undefined) return { delayMs };
  return repeat === undefined || scheduledTo !== undefined
    ? undefined
    : { delayMs: repeat.everyMs };
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
  { delayMs: _, ...headers }: MessageHeaders,
  repeat: Repetition,
  plannedAt: number,
): MessageHeaders {
  const waits = "everyMs" in repeat ? { delayMs: repeat.everyMs } : undefined;
  return { ...headers, ...waits, repeat: { ...repeat, plannedAt } };
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
): Message {
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

/** A name that no actor can have would wait for one for ever, and not every database can keep it. */
function checkTarget(name: unknown, { system, definition, action }: SendRequest): void {
  checkName("actor", name);
  checkName("action", action);
  if (system !== undefined) checkName("system", system);
  if (definition !== undefined) checkName("definition", definition);
}

function checkSendOptions(request: SendRequest): void {
  const { action, reliability, ordered, id } = Object(request) as SendRequest;
  if (typeof action !== "string" || action === "") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      "expected { action, payload } with the name of an action",
    );
  }
  if (id !== undefined) checkGivenId(id);
  for (const option in request) {
    if (!KNOWN_OPTIONS.has(option))
      throw noSuchOption("options of a message", option, OPTION_NAMES);
  }
  if (ordered !== undefined && typeof ordered !== "boolean") {
    throw new SpawnError("INVALID_ARGUMENT", "options.ordered: expected a boolean");
  }
  if (reliability !== undefined && reliability !== "stored" && reliability !== "fire") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `options.reliability: expected "stored" or "fire", got ${JSON.stringify(reliability)}`,
    );
  }
  const isTimed = TIME_OPTIONS.some((option) => request[option] !== undefined);
  if (reliability === "fire" && isTimed) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      'options.reliability: what is delivered later has to be stored; leave out "fire"',
    );
  }
}

const TIME_OPTIONS = ["delayMs", "scheduledTo", "everyMs", "cron"] as const;

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function repetitionOf({
  everyMs,
  cron,
  timeZone,
  catchUp,
}: SendOptions): Repetition | undefined {
  if (catchUp !== undefined && !CATCH_UPS.has(catchUp)) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `options.catchUp: expected "skip", "one" or "all", got ${JSON.stringify(catchUp)}`,
    );
  }
  if (everyMs === undefined && cron === undefined) {
    const option = timeZone === undefined ? "catchUp" : "timeZone";
    if (timeZone === undefined && catchUp === undefined) return undefined;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `options.${option}: it says how a message is repeated, and there is no everyMs or cron`,
    );
  }
  if (everyMs !== undefined && cron !== undefined) {
    throw new SpawnError("INVALID_ARGUMENT", "options: expected everyMs or cron, got both");
  }
  if (timeZone !== undefined && (typeof timeZone !== "string" || timeZone === "")) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `options.timeZone: expected the IANA name of a time zone, got ${JSON.stringify(timeZone)}`,
    );
  }
  if (everyMs !== undefined) {
    checkWholeNumber("options.everyMs", everyMs, { min: 1, max: SCHEDULE_MS_MAX });
    return { everyMs, catchUp: catchUp ?? "one" };
  }
  return { cron: cron!, timeZone: timeZone ?? "UTC", catchUp: catchUp ?? "one" };
}

const CATCH_UPS: ReadonlySet<unknown> = new Set(["skip", "one", "all"]);

function dueTime(
  { clock, cronTimes }: SendingParts,
  { delayMs, scheduledTo }: SendOptions,
  repeat: Repetition | undefined,
): number | undefined {
  if (delayMs !== undefined && scheduledTo !== undefined) {
    throw new SpawnError("INVALID_ARGUMENT", "options: expected delayMs or scheduledTo, got both");
  }
  const now = clock.wall();
  let dueAt: number | undefined;
  if (delayMs !== undefined) {
    checkWholeNumber("options.delayMs", delayMs, { min: 0, max: SCHEDULE_MS_MAX });
    dueAt = now + delayMs;
  }
  if (scheduledTo !== undefined) {
    const max = now + SCHEDULE_MS_MAX;
    checkWholeNumber("options.scheduledTo in ms since 1970", scheduledTo, { min: 0, max });
    dueAt = Math.max(now, scheduledTo);
  }
  return repeat === undefined
    ? dueAt
    : firstTime(repeat, dueAt ?? now, { cronTimes, isAsked: dueAt !== undefined });
}
