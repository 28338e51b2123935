/**
 * Messages that are given up: they wait apart until somebody decides.
 *
 * Of a repeated message only the occurrence is given up that could not be delivered. It becomes a message
 * of its own, which does not come again, and the next occurrence is stored in the same change. So neither
 * does one failure end the repetition, nor is it forgotten. If the process ends before the occurrence is
 * put aside, it is delivered once more like any other message. What could not be decrypted is given up
 * whole, whatever it says of repetitions: that may be forged, and nothing can be made of its payload. So is
 * what comes again at times that mean nothing here, such as those of a time zone that this machine does not know.
 */
import type { Message, StoredMessage } from "../message-store.ts";
import { repeatWrite } from "./repeated-write.ts";
import type { RepeatedWriteParts } from "./repeated-write.ts";
import type { CronTimes } from "./repetition.ts";
import { isSealed } from "../sealed-rows.ts";
import { newMessageId, nextOccurrence, storedAs } from "./sending.ts";
import type { Statestore } from "../statestore.ts";

export interface GivingUpParts extends RepeatedWriteParts {
  readonly store: Statestore;
  readonly cronTimes: CronTimes;
  /** Hears that messages were stored which are due at this time (wall). */
  readonly onStored: (dueAt: number) => void;
}

/** For how long an occurrence is left alone that is about to be put aside, in milliseconds. */
const ASIDE_MS = 60_000;

/**
 * Gives a message up; answers the id under which it waits.
 *
 * @param message with all attempts counted
 * @throws {SpawnError} as `repeatWrite` does
 */
export async function giveUp(
  parts: GivingUpParts,
  message: StoredMessage,
  reason: string,
): Promise<string> {
  const { store, clock } = parts;
  const { id, sentAt } = comesAgain(message, parts)
    ? await separate(parts, message, reason)
    : message;
  const parked = [{ id, sentAt, error: reason }];
  await repeatWrite(parts, () => store.messages.park(parked, clock.wall()));
  return id;
}

/** Whether the repetition can go on without the occurrence that is given up. */
function comesAgain(message: StoredMessage, parts: GivingUpParts): boolean {
  if (message.headers.repeat === undefined || isSealed(message.payload)) return false;
  try {
    nextOccurrence(message, parts);
    return true;
  } catch {
    return false;
  }
}

/** Makes a message of its own of an occurrence, and lets the repetition go on. */
async function separate(
  parts: GivingUpParts,
  message: StoredMessage,
  error: string,
): Promise<Message> {
  const { store, clock, onStored } = parts;
  const { attempts, error: _, ...sent } = message;
  const { repeat, ...headers } = sent.headers;
  const at = clock.wall();
  const occurrence: Message = {
    ...sent,
    id: newMessageId(parts),
    headers: { ...headers, occurrence: { of: message.id, plannedAt: repeat!.plannedAt } },
    isTimer: false,
    dueAt: at + ASIDE_MS,
  };
  const again = nextOccurrence(message, parts);
  const next =
    again === undefined ? [] : [storedAs(again, { source: message.source, at, graceMs: 0 })];
  await repeatWrite(parts, () => store.messages.replace(message, [occurrence, ...next]));
  for (const { dueAt } of [occurrence, ...next]) onStored(dueAt);
  const { id, sentAt, dueAt } = occurrence;
  const tried = [{ id, sentAt, dueAt, attempts, error }];
  await repeatWrite(parts, () => store.messages.postpone(tried));
  return occurrence;
}
