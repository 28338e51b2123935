/**
 * I14: each planned time of a repeated message is in at most one commit, not before that time, and is
 * followed by the next one as its repetition says. That none is late in the end is a matter of rest.
 */
import type { PlannedRepetition } from "../../../src/engine/message-store.ts";
import { itemOfMessage, valueOf } from "../posts.ts";
import { isSetBack } from "../run-log.ts";
import type { MessageEvent, RunLog, Violation } from "../run-log.ts";
import { newItems } from "./new-items.ts";
import { postCommits } from "./post-commits.ts";

type Log = Pick<RunLog, "applied" | "messages" | "asked" | "setBacks">;

export function checkTicks(log: Log): readonly Violation[] {
  return [...checkTwice(log), ...checkPlans(log), ...checkGoesOn(log)];
}

function checkTwice({ applied }: Log): readonly Violation[] {
  const seen = new Set<string>();
  return newItems(applied).flatMap(({ entry, items }) =>
    items.flatMap((item): readonly Violation[] => {
      if (!item.includes("@")) return [];
      const tick = `${entry.actor} ${item}`;
      const isTwice = seen.has(tick);
      seen.add(tick);
      return isTwice ? [{ invariant: "I14", what: `${tick} is in two commits` }] : [];
    }),
  );
}

/** The commit that consumes one time sends the next, unless it cancels it for good or deletes whose timer it is. */
function checkGoesOn(log: Log): readonly Violation[] {
  const { messages } = log;
  const unwanted = new Map(
    postCommits(log).map(({ entry, unwants }) => [entry.commit.etag, unwants]),
  );
  const deletes = new Set(
    log.applied.filter(({ commit }) => commit.isDelete).map(({ commit }) => commit.etag),
  );
  const sent = new Set<string>();
  for (const { type, message, etag } of messages) {
    if (type === "sent" && etag !== undefined) sent.add(`${etag} ${message.id}`);
  }
  return messages
    .filter(({ type, message }) => type === "consumed" && message.headers.repeat !== undefined)
    .filter(({ message, etag }) => !sent.has(`${etag} ${message.id}`))
    .filter(({ message, etag }) => !message.isTimer || !deletes.has(etag!))
    .filter(
      ({ message, etag }) => unwanted.get(etag!)?.(valueOf(itemOfMessage(message)), 0) !== true,
    )
    .map(({ message }) => ({
      invariant: "I14",
      what: `${itemOfMessage(message)} was consumed, and nothing came after it`,
    }));
}

/** Each time that is stored must follow from the one whose place it takes. */
function checkPlans({ messages, setBacks }: Log): readonly Violation[] {
  const last = new Map<string, MessageEvent>();
  return messages.flatMap((event): readonly Violation[] => {
    const { type, message, etag } = event;
    const { repeat } = message.headers;
    if (repeat === undefined) return [];
    const before = last.get(message.id);
    last.set(message.id, event);
    if (type !== "sent") return [];
    if (before === undefined || isSetBack(setBacks, event.sequence)) return [];
    const took = before.message.headers.repeat!;
    const isNext =
      before.type === "replaced" || (before.type === "consumed" && before.etag === etag);
    if (!isNext || isPlanned(took, repeat)) return [];
    const what = `${itemOfMessage(message)} came after ${took.plannedAt}`;
    return [{ invariant: "I14", what }];
  });
}

function isPlanned(before: PlannedRepetition, after: PlannedRepetition): boolean {
  const isCron = "cron" in after;
  const everyMs = isCron ? secondsOf(after.cron) * 1_000 : after.everyMs;
  const from = isCron ? Math.floor(before.plannedAt / everyMs) * everyMs : before.plannedAt;
  const gapMs = after.plannedAt - from;
  const isAll = after.catchUp === "all";
  return gapMs > 0 && gapMs % everyMs === 0 && (!isAll || gapMs === everyMs);
}

/** The simulation has cron expressions for every so many seconds only. */
function secondsOf(cron: string): number {
  return Number(/^\*\/(\d+) /.exec(cron)?.[1] ?? 1);
}
