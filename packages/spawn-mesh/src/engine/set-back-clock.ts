/**
 * What happens to stored messages when the wall clock is set back.
 *
 * When a message is due is stored as a time of the wall clock. After that clock was set back an hour,
 * what was to be delivered at once would wait an hour, and so would what is to come every minute. They
 * are known by the time at which they were sent: it has not come yet. Times that somebody chose stay as
 * they are: they mean the wall clock, whatever it shows.
 */
import type { Clock } from "./clock.ts";
import type { Postponement, StoredMessage } from "./message-store.ts";
import { DELIVERY_GRACE_MS } from "./sending.ts";
import type { Statestore } from "./statestore.ts";

/** So far the clocks of two machines may differ, and one clock go back unnoticed. */
const TOLERANCE_MS = 60_000;
const PAGE_ROWS = 100;
/** The messages that are due first are the ones that matter. */
const LOOKED_AT_MAX = 10_000;

export class SetBackClock {
  readonly #parts: { readonly store: Statestore; readonly clock: Clock };
  /** How far the wall clock was ahead of the monotonic one when it was looked at. */
  #ahead = Infinity;

  constructor(parts: { readonly store: Statestore; readonly clock: Clock }) {
    this.#parts = parts;
  }

  /** Lets messages be due that wait only because the clock was set back: since the last time, or before this process began. */
  async correct(): Promise<void> {
    const { clock, store } = this.#parts;
    const ahead = clock.wall() - clock.monotonic();
    if (ahead < this.#ahead - TOLERANCE_MS) {
      const wall = clock.wall();
      for await (const page of sentByThen(store, wall)) {
        const late = page.flatMap((message) => corrected(message, wall));
        if (late.length > 0) await store.messages.postpone(late);
      }
    }
    this.#ahead = ahead;
  }
}

/** What is due after `wall`, and was sent by a clock that was ahead; page by page. Mostly there is nothing. */
async function* sentByThen(
  { messages }: Statestore,
  wall: number,
): AsyncGenerator<readonly StoredMessage[]> {
  const looked = { sentAfter: wall + TOLERANCE_MS, among: LOOKED_AT_MAX, limit: PAGE_ROWS };
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
  const delayMs = delayOf(message);
  if (delayMs === undefined) return [];
  return [{ ...message, dueAt: Math.min(message.dueAt, wall + delayMs) }];
}

/** How soon it comes from now; `undefined` if somebody chose the time. */
function delayOf({ attempts, sentAt, dueAt, headers }: StoredMessage): number | undefined {
  const { repeat } = headers;
  if (repeat !== undefined) return "everyMs" in repeat ? repeat.everyMs : undefined;
  // It was due when it was tried.
  if (attempts > 0) return 0;
  return dueAt - sentAt <= DELIVERY_GRACE_MS ? dueAt - sentAt : undefined;
}
