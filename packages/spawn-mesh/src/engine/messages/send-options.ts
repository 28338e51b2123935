/** What can be said of a message when it is sent: where to, when, how often, in which order. */
import { checkName } from "../actor-id.ts";
import type { Clock } from "../clock.ts";
import { SpawnError } from "../errors.ts";
import { checkWholeNumber } from "../limits.ts";
import { checkGivenId } from "./message-ids.ts";
import type { MessageHeaders, Repetition } from "../message-store.ts";
import { noSuchOption } from "../option-names.ts";
import { firstTime } from "./repetition.ts";
import type { CronTimes } from "./repetition.ts";

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
  /** Again and again, so many milliseconds after the time it was planned for; at least 1, at a sidecar at least 100. */
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
  /**
   * Whether it waits for what this actor sent to the same target before. Default `true`; never for what is delivered
   * later or again.
   */
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

/**
 * A name that no actor can have would wait for one for ever, and not every database can keep it.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function checkTarget(name: unknown, { system, definition, action }: SendRequest): void {
  checkName("actor", name);
  checkName("action", action);
  if (system !== undefined) checkName("system", system);
  if (definition !== undefined) checkName("definition", definition);
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function checkSendOptions(request: SendRequest): void {
  const { action, reliability, ordered, id } = Object(request) as SendRequest;
  if (typeof action !== "string" || action === "") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      "expected { action, payload } with the name of an action",
    );
  }
  if (id !== undefined) checkGivenId(id);
  for (const option in request) {
    if (!OPTION_NAMES.includes(option))
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

/** How a message is repeated, if it is. @throws {SpawnError} `INVALID_ARGUMENT` */
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

/** When it is to be delivered (wall); `undefined` for at once. @throws {SpawnError} `INVALID_ARGUMENT` */
export function dueTime(
  { clock, cronTimes }: { readonly clock: Clock; readonly cronTimes: CronTimes },
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

/** For how long it waits, if somebody asked for that and not for a time. */
export function waitingFor(
  { delayMs, scheduledTo }: SendOptions,
  repeat: Repetition | undefined,
): Pick<MessageHeaders, "delayMs"> | undefined {
  if (repeat !== undefined && !("everyMs" in repeat)) return undefined;
  if (delayMs !== undefined) return { delayMs };
  return repeat === undefined || scheduledTo !== undefined
    ? undefined
    : { delayMs: repeat.everyMs };
}
