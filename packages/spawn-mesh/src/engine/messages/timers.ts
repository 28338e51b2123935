/**
 * Timers: messages that an actor sends to itself again and again, from its definition.
 *
 * Each is one message, made by the first commit of an actor that has none yet. Its id is made of the
 * actor and of what the definition says, so that it is there once, and so that a timer whose definition
 * has changed is another one: the old one is found out when it fires, and goes.
 */
import type { ActorDefinition } from "../actor-definition.ts";
import type { ActorId } from "../actor-id.ts";
import { fingerprint } from "../values/fingerprint.ts";
import type { Repetition } from "../message-store.ts";
import { firstTime } from "./repetition.ts";
import { repeated } from "./sending.ts";
import type { Outgoing, SendingParts } from "./sending.ts";

/** A timer, as a definition says it. */
export interface TimerDefinition {
  readonly action: string;
  /** JSON text; `null` when there is none. */
  readonly payload: string | null;
  readonly repeat: Repetition;
}

/** The ids of the timers that an actor has by its definition, in that order. */
export function timerIds(actor: ActorId, { timers }: ActorDefinition): readonly string[] {
  return timers.map((timer) => timerId(actor, timer));
}

/** The timers of an actor that are not among `known`, as messages. */
export function missingTimers(
  actor: ActorId,
  { timers }: ActorDefinition,
  around: { readonly known: ReadonlySet<string>; readonly parts: SendingParts },
): readonly Outgoing[] {
  const { known, parts } = around;
  return timers.flatMap((timer) => {
    const id = timerId(actor, timer);
    if (known.has(id)) return [];
    const { action, payload, repeat } = timer;
    const from = parts.clock.wall();
    const dueAt = firstTime(repeat, from, { cronTimes: parts.cronTimes, isAsked: false });
    return {
      id,
      target: actor,
      action,
      payload,
      headers: repeated({ kind: "call" }, repeat, dueAt),
      isOrdered: false,
      isTimer: true,
      isNamed: false,
      dueAt,
      isStored: true,
    };
  });
}

function timerId(actor: ActorId, { action, payload, repeat }: TimerDefinition): string {
  const text = JSON.stringify([actor, action, payload, repeat]);
  return `timer-${fingerprint(text)}${fingerprint(`timer ${text}`)}`;
}
