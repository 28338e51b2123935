/** What the protocol has no place for: refused at once and by name, instead of doing something else. */
import { SpawnError } from "../engine/index.ts";
import type { ActorDefinition, SendRequest } from "../engine/index.ts";

/** @param what the part of the public API, as it is written */
export function notOverWire(what: string, instead: string): SpawnError {
  return new SpawnError(
    "INVALID_ARGUMENT",
    `${what} cannot be had beside a sidecar: the protocol has no place for it; ${instead}`,
  );
}

const SEND_OPTIONS = ["id", "everyMs", "cron", "timeZone", "catchUp"] as const;

/** @throws {SpawnError} `INVALID_ARGUMENT` for a message that would become another one on its way */
export function checkSendOverWire(request: SendRequest): void {
  const option = SEND_OPTIONS.find((name) => request[name] !== undefined);
  if (option !== undefined) {
    throw notOverWire(`options.${option}`, "use delayMs, scheduledTo or a timer of the definition");
  }
  if (request.ordered === false) throw notOverWire("options.ordered", "leave it out");
  if (request.reliability === "fire") {
    throw notOverWire('options.reliability "fire"', "leave it out, or call with async: true");
  }
}

/**
 * The action with which an actor comes to life at its host. It is there for every actor that has a
 * state, because only the definition knows the first one.
 */
export const INIT_ACTION = "init";

/** @throws {SpawnError} `INVALID_ARGUMENT` for a definition that no sidecar can keep */
export function checkDefinition({ name, actions }: ActorDefinition): void {
  if (actions.has(INIT_ACTION)) {
    throw notOverWire(`an action named ${INIT_ACTION}, which ${name} has,`, "give it another name");
  }
}

/** @throws {SpawnError} `INVALID_ARGUMENT`: nobody would call the function of that name */
export function checkExternalOverWire(name: string): void {
  throw notOverWire(`the external ${name}`, "let a pooled actor do it, to which ctx.effect sends");
}

/** Revisions that a proxy keeps of every actor, if it is told nothing else. */
const REVISIONS_KEPT = 10;
/** The longest period of a timer, in milliseconds: the protocol has 32 bits for it. */
export const TIMER_MS_MAX = 2_147_483_647;

/** @throws {SpawnError} `INVALID_ARGUMENT` for a definition that the protocol cannot say */
export function checkDefinitionOverWire(definition: ActorDefinition): void {
  const { name, state, durability, revisionsKept, timers, index } = definition;
  if (index !== undefined) throw notOverWire(`index of ${name}`, "leave it out");
  if (state !== undefined && state.version > 1) {
    throw notOverWire(`state(…).next(…) of ${name}`, "let init bring an old state up to date");
  }
  if (durability !== "durable") {
    throw notOverWire(`durability of ${name}`, "the proxy decides it for all its actors");
  }
  if (revisionsKept !== REVISIONS_KEPT) {
    throw notOverWire(`revisionsKept of ${name}`, "leave it out");
  }
  for (const option of ["revisionsKeptMs", "expireAfterMs"] as const) {
    if (definition[option] === undefined) continue;
    throw notOverWire(`${option} of ${name}`, "leave it out");
  }
  for (const { action, payload, repeat } of timers) {
    const what = `timer ${action} of ${name}`;
    if ("cron" in repeat) throw notOverWire(`cron of ${what}`, "use everyMs");
    if (payload !== null) throw notOverWire(`payload of ${what}`, "leave it out");
    if (repeat.catchUp !== "one") throw notOverWire(`catchUp of ${what}`, "leave it out");
    if (repeat.everyMs > TIMER_MS_MAX) {
      throw notOverWire(`everyMs of ${what}`, `it can be at most ${TIMER_MS_MAX}`);
    }
  }
}
