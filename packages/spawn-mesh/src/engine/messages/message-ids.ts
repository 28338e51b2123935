/**
 * Ids that senders give their messages.
 *
 * Two actors that both send `remind` mean two messages. So the id that an actor gives is one among its
 * own: what is stored, and what it is told, is that id with the actor behind it. An id from outside of
 * actors is stored as it is.
 */
import type { ActorId } from "../actor-id.ts";
import { SpawnError } from "../errors.ts";
import { fingerprint } from "../values/fingerprint.ts";

/** What a sender may give has no `@`, so it is never what another one is stored as. */
const GOOD_ID = /^[\w.:/-]{1,100}$/;
const STORED_ID = /^[\w.:/-]{1,100}@[\da-z]{1,25}$/;
const RANDOM_ID = /^[\da-f]{32}$/;

/** @throws {SpawnError} `INVALID_ARGUMENT` for an id that no message may be given */
export function checkGivenId(id: unknown): asserts id is string {
  if (typeof id === "string" && GOOD_ID.test(id) && !id.startsWith("timer-")) return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `options.id: expected 1 to 100 letters, digits and any of ._:/- and not timer- at the beginning, got ${JSON.stringify(id)?.slice(0, 120)}`,
  );
}

/** The id under which a message of `source` is stored that was given `id`. */
export function storedId(source: ActorId | undefined, id: string): string {
  if (source === undefined) return id;
  const text = JSON.stringify([source.system, source.definition, source.name]);
  const hash = BigInt(`0x${fingerprint(text)}${fingerprint(`source ${text}`)}`);
  return `${id}@${hash.toString(36)}`;
}

/**
 * The ids of the messages that `source` may mean by `id`: what it gave, or what it was told.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for what is neither
 */
export function idsMeant(source: ActorId, id: unknown): readonly string[] {
  if (typeof id === "string" && STORED_ID.test(id)) return [id];
  checkGivenId(id);
  const own = storedId(source, id);
  return RANDOM_ID.test(id) ? [id, own] : [own];
}
