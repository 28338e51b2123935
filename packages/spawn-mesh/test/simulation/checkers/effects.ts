/**
 * I6: a message is consumed once, or given up, cancelled or discarded; and there is none without the
 * commit that sent it.
 *
 * What each commit added to the list of its actor says what was really done: exactly what the messages
 * that it consumed stand for, and what it sent follows from exactly that.
 */
import type { Message } from "../../../src/engine/message-store.ts";
import { causeOf, isFired, isOfMessage, itemOfMessage, payloadOf, valueOf } from "../posts.ts";
import type { PostPayload } from "../posts.ts";
import type { AppliedCommit, MessageEvent, RunLog, Violation } from "../run-log.ts";
import { postCommits } from "./post-commits.ts";
import type { PostCommit } from "./post-commits.ts";

type Log = Pick<RunLog, "applied" | "messages" | "asked">;

export function checkEffects(log: Log): readonly Violation[] {
  const { messages } = log;
  /** What became of each message last, before the commit that is looked at. */
  const fates = new Map<string, MessageEvent["type"]>();
  let seen = 0;
  return postCommits(log).flatMap((commit) => {
    for (; seen < messages.length && messages[seen]!.sequence < commit.entry.sequence; seen++) {
      const { message, type } = messages[seen]!;
      if (isOfPost(message)) fates.set(itemOfMessage(message), type);
    }
    return checkCommit(commit, fates);
  });
}

function checkCommit(
  { entry, items, events, payloadOf, unwants }: PostCommit,
  fates: ReadonlyMap<string, MessageEvent["type"]>,
): readonly Violation[] {
  const consumed = messagesOf(events, "consumed");
  const sent = messagesOf(events, "sent");
  const standFor = new Set(consumed.map(itemOfMessage));
  const undone = consumed.filter(
    (message) => !items.includes(itemOfMessage(message)) && !isRememberedFailure(message),
  );
  const strange = items.filter(
    (item) => isOfMessage(item) && !standFor.has(item) && !isTakenBack(entry, fates.get(item)),
  );
  const orphans = sent.filter((message) => !hasCause(message, items, consumed));
  const values = new Set(sent.map(sentAs));
  const missing = items.flatMap((item, place) => {
    const payload = payloadOf(item);
    if (payload === undefined) return [];
    return whatFollows(item, payload).filter((sent) => !values.has(sent) && !unwants(sent, place));
  });
  const { actor, commit } = entry;
  const violation = (what: string): Violation => ({
    invariant: "I6",
    what: `revision ${commit.revision} of ${actor} ${what}`,
  });
  return [
    ...undone.map((message) => violation(`consumed ${itemOfMessage(message)}, but did not do it`)),
    ...strange.map((item) => violation(`did ${item}, but did not consume it`)),
    ...orphans.map((message) => violation(`sent ${itemOfMessage(message)} for no reason`)),
    ...missing.map((item) => violation(`did not send ${item}`)),
  ];
}

function messagesOf(
  events: readonly MessageEvent[],
  wanted: MessageEvent["type"],
): readonly Message[] {
  return events.filter(({ type }) => type === wanted).map(({ message }) => message);
}

function isOfPost({ payload }: Message): boolean {
  return payload !== null;
}

/** A step whose action failed is over, if its outcome is remembered. */
function isRememberedFailure({ headers }: Message): boolean {
  return headers.rememberedBy !== undefined;
}

const takenBack: ReadonlySet<MessageEvent["type"]> = new Set([
  "removed",
  "cancelled",
  "parked",
  "discarded",
]);

/**
 * What a write-behind actor has acknowledged on top of a message stays, though the message was
 * cancelled or given up before it was stored.
 */
function isTakenBack({ role }: AppliedCommit, fate: MessageEvent["type"] | undefined): boolean {
  return role === "post-behind" && fate !== undefined && takenBack.has(fate);
}

function hasCause(
  message: Message,
  items: readonly string[],
  consumed: readonly Message[],
): boolean {
  // The last word of an actor that deletes itself is because of the last that it did.
  const cause = payloadOf(message)?.list?.at(-1) ?? causeOf(itemOfMessage(message));
  return (
    message.isTimer ||
    consumed.some(({ id }) => id === message.id) ||
    (cause !== undefined && items.includes(cause))
  );
}

/** The values of the messages that an action sends which puts the item into its list. */
function whatFollows(item: string, payload: PostPayload): readonly string[] {
  const { errands, broadcasts, outside, route, value } = payload;
  if (item.includes("@")) return [];
  const hops = item === value ? 0 : Number(item.slice(item.lastIndexOf(">") + 1));
  const step = route[hops] === undefined ? [] : [`${value}>${hops + 1}`];
  if (hops > 0) return step;
  const told = [...errands.map((errand) => errand.payload), ...broadcasts, ...outside];
  return [...told.map((sent) => sent.value).filter((sent) => !isFired(sent)), ...step];
}

/** As {@link whatFollows} names it. */
function sentAs(message: Message): string {
  const item = itemOfMessage(message);
  return message.headers.kind === "step" ? item : valueOf(item);
}
