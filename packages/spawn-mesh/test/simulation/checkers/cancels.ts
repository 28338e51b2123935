/**
 * I6: what an action cancels that waits then is not stored any more after its commit, and nothing of it
 * is done from then on; and nothing is cancelled that no action of the commit wanted to cancel.
 */
import type { Message } from "../../../src/engine/message-store.ts";
import { causeOf, itemOfMessage, valueOf } from "../posts.ts";
import type { MessageEvent, RunLog, Violation } from "../run-log.ts";
import { postCommits } from "./post-commits.ts";
import type { PostCommit } from "./post-commits.ts";

type Log = Pick<RunLog, "applied" | "messages" | "asked">;

export function checkCancels(log: Log): readonly Violation[] {
  return [...checkCommits(log), ...checkAfterwards(log)].map((what) => ({ invariant: "I6", what }));
}

function checkCommits(log: Log): readonly string[] {
  const waiting = new Map<string, Message>();
  let seen = 0;
  return postCommits(log).flatMap((commit) => {
    const { messages } = log;
    for (; seen < messages.length && messages[seen]!.sequence < commit.entry.sequence; seen++)
      follow(waiting, messages[seen]!);
    return problemsOf(commit, waiting);
  });
}

/** What waits to be delivered, by value. */
function follow(waiting: Map<string, Message>, { type, message }: MessageEvent): void {
  if (message.payload === null || message.headers.kind === "step") return;
  const value = valueOf(itemOfMessage(message));
  if (type === "sent" || type === "retried") waiting.set(value, message);
  else if (type !== "claimed") waiting.delete(value);
}

function problemsOf(
  { entry, items, events, payloadOf, unwants }: PostCommit,
  waiting: ReadonlyMap<string, Message>,
): readonly string[] {
  const where = `revision ${entry.commit.revision} of ${entry.actor}`;
  const valuesOf = (wanted: MessageEvent["type"]): readonly string[] =>
    events
      .filter(({ type }) => type === wanted)
      .map(({ message }) => valueOf(itemOfMessage(message)));
  const cancelled = valuesOf("cancelled");
  const sent = valuesOf("sent");
  const baseless = cancelled.filter((value) => !unwants(value, 0));
  const kept = items.flatMap((item, place) => {
    const unwanted = item.includes(">") ? [] : (payloadOf(item)?.cancels ?? []);
    return unwanted.flatMap(({ value }) => {
      const done = items.findIndex((other) => valueOf(other) === value && !other.includes(">"));
      const isDoneAfter = done > place;
      const isSentAfter = items.indexOf(causeOf(value)!) > place;
      const isLeft = waiting.has(value) && done < 0 && !cancelled.includes(value);
      const isSent = sent.includes(value) && !isSentAfter;
      return isDoneAfter || isLeft || isSent ? [`${item} cancelled ${value}, which goes on`] : [];
    });
  });
  return [
    ...baseless.map((value) => `${where} cancelled ${value} for no reason`),
    ...kept.map((what) => `in ${where} ${what}`),
  ];
}

/** Nothing happens any more to what was cancelled. */
function checkAfterwards({ messages }: Log): readonly string[] {
  const gone = new Set<string>();
  return messages.flatMap(({ type, message }) => {
    const key = `${message.id} ${message.sentAt}`;
    if (type === "cancelled") gone.add(key);
    else if (gone.has(key)) return [`${itemOfMessage(message)} was cancelled, and then ${type}`];
    return [];
  });
}
