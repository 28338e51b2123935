/** What the SDK says of an actor and the protocol has no words for. */
import { cronTimes } from "spawn-mesh";
import {
  OpaqueValue,
  SpawnError,
  checkWholeNumber,
  firstTime,
  repetitionOf,
  textOfValue,
} from "spawn-mesh/engine";
import type {
  ActorDefinition,
  SendOptions,
  StateDefinition,
  TimerDefinition,
} from "spawn-mesh/engine";
import { DefinitionSchema, furtherFields, olderStateType } from "spawn-mesh/protocol";
import type { RegisteredActor } from "spawn-mesh/protocol";
import { NOOP_TEXT } from "../wire-values.ts";
import { HostedState, indexOfHost } from "./hosted-state.ts";
import { notTooOften } from "./shortest-period.ts";

/** What replaces the options of the proxy. */
type Options = Pick<
  ActorDefinition,
  "durability" | "revisionsKept" | "revisionsKeptMs" | "expireAfterMs" | "timers"
>;

interface Told extends Options {
  readonly stateVersion?: number;
  readonly isIndexed?: boolean;
}

const REVISIONS_KEPT_MAX = 10_000;

/** The options that replace those of the proxy; none if the SDK is another one. @throws {SpawnError} `INVALID_ARGUMENT` */
export function definitionOfSdk(
  registered: RegisteredActor,
  state: StateDefinition | undefined,
): Partial<Options & Pick<ActorDefinition, "state" | "index">> {
  const told = toldOf(registered);
  if (told === undefined) return {};
  const { name } = registered.id;
  const { stateVersion = 1 } = told;
  checkWholeNumber(`stateVersion of ${name}`, stateVersion, { min: 1 });
  return {
    ...checked(name, told),
    state: state && { ...state, version: stateVersion, migrate },
    index: isIndexed(registered) ? indexOfHost : undefined,
  };
}

/** Whether the host of an actor tells by which fields it is found. @throws {SpawnError} `INVALID_ARGUMENT` */
export function isIndexed(registered: RegisteredActor): boolean {
  return toldOf(registered)?.isIndexed === true;
}

function toldOf({ id, definition }: RegisteredActor): Told | undefined {
  const options = furtherFields(DefinitionSchema, definition)?.options ?? "";
  return options === "" ? undefined : parsed(id.name, options);
}

function parsed(name: string, options: string): Told {
  let told: unknown;
  try {
    told = JSON.parse(options);
  } catch {
    told = undefined;
  }
  if (typeof told === "object" && told !== null && Array.isArray((told as Told).timers)) {
    return told as Told;
  }
  throw new SpawnError("INVALID_ARGUMENT", `options of ${name}: expected JSON with timers`);
}

/** A state of an older version goes to its host as it is, which knows what has become of it. */
function migrate(stored: unknown, version: number): HostedState {
  const bytes = Buffer.from((stored as HostedState).text);
  return new HostedState(textOfValue(new OpaqueValue(olderStateType(version), bytes)));
}

function checked(name: string, told: Told): Options {
  const { durability, revisionsKept, revisionsKeptMs, expireAfterMs, timers } = told;
  if (durability !== "durable" && durability !== "write-behind") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `durability of ${name}: expected "durable" or "write-behind", got ${JSON.stringify(durability)}`,
    );
  }
  checkWholeNumber(`revisionsKept of ${name}`, revisionsKept, { min: 0, max: REVISIONS_KEPT_MAX });
  for (const [option, ms] of Object.entries({ revisionsKeptMs, expireAfterMs })) {
    if (ms !== undefined) checkWholeNumber(`${option} of ${name}`, ms, { min: 1 });
  }
  return {
    durability,
    revisionsKept,
    revisionsKeptMs,
    expireAfterMs,
    timers: timers.map((timer) => checkedTimer(name, timer)),
  };
}

function checkedTimer(name: string, timer: unknown): TimerDefinition {
  const { action, payload, repeat } = Object(timer) as Partial<TimerDefinition>;
  const checkedRepeat = repetitionOf(Object(repeat) as SendOptions);
  const isText = payload === null || typeof payload === "string";
  if (typeof action !== "string" || !isText || checkedRepeat === undefined) {
    throw new SpawnError("INVALID_ARGUMENT", `timer of ${name}: expected an action and a time`);
  }
  firstTime(checkedRepeat, Date.now(), { cronTimes, isAsked: false });
  return { action, payload: payload ?? NOOP_TEXT, repeat: notTooOften(checkedRepeat) };
}
