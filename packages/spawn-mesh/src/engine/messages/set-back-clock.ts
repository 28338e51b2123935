/**
 * What happens to stored messages when the wall clock is set back.
 *
 * When a message is due is stored as a time of the wall clock. After that clock was set back an hour,
 * what was to be delivered at once would wait an hour, and so would what is to come every minute. They
 * are known by the time at which they were sent: it has not come yet. What was sent before, and tried or given
 * back in that hour, is known by the time at which it comes again: nothing waits for so long. What somebody
 * wanted to wait waits for so long at the most. Times that somebody chose stay as they are: they mean the wall
 * clock, whatever it shows. So does what cannot be read: which time was chosen for it is not known, and nobody
 * could take it now; but what belongs to a lane was sent to be delivered at once, and others wait behind it.
 */
import type { Clock } from "../clock.ts";
import type { Postponement, StoredMessage } from "../message-store.ts";
import { RETRY } from "./attempts.ts";
import { isSealed } from "../sealed-rows.ts";
import { DELIVERY_GRACE_MS } from "./sending.ts";
import type { Statestore } from "../statestore.ts";

/** So far the clocks of two machines may differ, and one clock go back unnoticed. */
const TOLERANCE_MS = 60_000;
const PAGE_ROWS = 100;
/** For so long a message that was made before the clock was set back may be on its way to the statestore, in milliseconds. */
const LATECOMERS_MS = 5 * 60_000;
/** How often such messages are looked for, in milliseconds. */
const LOOK_MS = 30_000;
/** The messages that are due first are the ones that matter. */
const LOOKED_AT_MAX = 10_000;

export class SetBackClock {
  readonly #parts: { readonly store: Statestore; readonly clock: Clock };
  /** How far the wall clock was ahead of the monotonic one when it was looked at. */
  #ahead = Infinity;
  /** Until when messages may still be stored with times of before (monotonic). */
  #latecomersUntil = -Infinity;
  /** When messages are looked for again (monotonic). */
  #looksAt = -Infinity;

  constructor(parts: { readonly store: Statestore; readonly clock: Clock }) {
    this.#parts = parts;
  }

  /**
   * Lets messages be due that wait only because the clock was set back: since the last time, or before
   * this process began. What is under way then may be stored afterwards, and is found a little later.
   */
  async correct(): Promise<void> {
    const { clock } = this.#parts;
    const now = clock.monotonic();
    const ahead = clock.wall() - now;
    if (ahead < this.#ahead - TOLERANCE_MS) {
      this.#latecomersUntil = now + LATECOMERS_MS;
      this.#looksAt = now;
    }
    this.#ahead = ahead;
    if (now < this.#looksAt || now > this.#latecomersUntil) return;
    await this.#look();
    this.#looksAt = now + LOOK_MS;
  }

  async #look(): Promise<void> {
    const { clock, store } = this.#parts;
    const wall = clock.wall();
    for await (const page of leftByThen(store, wall)) {
      const late = page.flatMap((message) => corrected(message, wall));
      if (late.length > 0) await store.messages.postpone(late);
    }
  }
}

/** What a clock that was ahead has sent, or left for later; page by page. Mostly there is nothing. */
async function* leftByThen(
  { messages }: Statestore,
  wall: number,
): AsyncGenerator<readonly StoredMessage[]> {
  const looked = {
    sentAfter: wall + TOLERANCE_MS,
    leftDueAfter: wall + RETRY.maxMs + TOLERANCE_MS,
    among: LOOKED_AT_MAX,
    limit: PAGE_ROWS,
  };
  let after = { at: wall, id: "" };
  for (let found = 0; found < LOOKED_AT_MAX; found += PAGE_ROWS) {
    const page = await messages.listSentLater({ ...looked, after });
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return;
    after = { at: last.dueAt, id: last.id };
  }
}

function corrected(message: StoredMessage, wall: number): readonly Postponement[] {
  const dueAt = wall + waitMsOf(message, wall);
  // How its last delivery ended is not told by this.
  return dueAt < message.dueAt ? [{ ...message, dueAt, isUnderWay: true }] : [];
}

/** For how long it has to wait from now. */
function waitMsOf(message: StoredMessage, wall: number): number {
  const { attempts, error, sentAt, dueAt, headers, payload, isOrdered } = message;
  if (isSealed(payload) && !isOrdered) return Infinity;
  const { repeat, notBefore = repeat?.plannedAt, delayMs = Infinity } = headers;
  if (notBefore !== undefined) return Math.min(Math.max(0, notBefore - wall), delayMs);
  const wasDue = attempts > 0 || error !== undefined;
  return wasDue ? 0 : Math.min(dueAt - sentAt, DELIVERY_GRACE_MS);
}
