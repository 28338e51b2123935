/**
 * Calls that an action makes while it serves something that is done once: a call with an idempotency
 * key, or a stored message. When the action runs again, because its change did not become durable the
 * first time, what it had called must not be done again. So each of these calls has a key of its own,
 * made of whom it serves, of its place among the calls of the run, and of what it asks: the same code
 * makes the same keys.
 */
import type { ActorId } from "../actor-id.ts";
import type { ActorCall } from "./actor-call.ts";
import { canonicalJson, fingerprint } from "../values/fingerprint.ts";
import { sentId } from "../message-store.ts";
import type { Run } from "../activations/run.ts";

/** A run that is done once, and the place of a call in it. */
export interface ParentCall {
  /** The actor that makes it; keys of two actors have nothing to do with one another. */
  readonly actor: ActorId;
  /** The key of what it serves, or which message: one that comes again is another one each time. */
  readonly key: string | readonly [id: string, sentAt: number];
  /** From 1. */
  readonly place: number;
}

/** Takes the place of the next call of a run; `undefined` when the run may be done as often as it comes. */
export function nextCallOf(run: Run): ParentCall | undefined {
  const { idempotencyKey, message } = run.invocation.details ?? NO_DETAILS;
  const key = idempotencyKey ?? (message && ([sentId(message), message.sentAt] as const));
  if (key === undefined) return undefined;
  return { actor: run.self, key, place: ++run.callCount };
}

const NO_DETAILS = { idempotencyKey: undefined, message: undefined };

/** The key of a call: its own, or one by the run that makes it; `undefined` if nothing has to remember it. */
export function keyOf(
  { type, name, action, options, origin }: ActorCall,
  payload: unknown,
): string | undefined {
  if (options?.idempotencyKey !== undefined) return options.idempotencyKey;
  const parent = origin?.parent;
  if (parent === undefined || action.isRead || type.definition.state === undefined) {
    return undefined;
  }
  const target = { definition: type.definition.name, name, action: action.name };
  const text = canonicalJson([parent, target, payload]);
  return `child-${fingerprint(text)}${fingerprint(`child ${text}`)}`;
}
