/**
 * Rows that are there and cannot be read. Whoever goes through all rows is told of them, one by one, and
 * goes on: at night nobody is there to repair the first one so that the second one is found.
 */
import type { ActorId } from "./actor-id.ts";

/** The kinds of rows that a statestore keeps of a system. */
export type RowKind = "state" | "revision" | "index" | "reply" | "message" | "parked";

/** A row of which only its place is known. */
export interface DamagedRow {
  readonly kind: "damaged";
  /** What it would be. */
  readonly of: RowKind;
  /** Whose it is; `undefined` for messages. */
  readonly actor: ActorId | undefined;
  /** Which one: a revision, the field of an index, the key of a reply, the id of a message; nothing for a state. */
  readonly key: string;
  /** Whether it belongs to the system for certain: whose a message is stands in the message. */
  readonly isOwn: boolean;
  /** The key that its value is sealed with, as far as that is known. */
  readonly keyId?: string | undefined;
  /** Why it cannot be read. */
  readonly problem: string;
}
