/**
 * What became of each message, by the database's own log.
 *
 * I6: it ended with the commit of its target or for a reason that somebody gave; nothing that was
 * acknowledged is missing; innocent messages are not given up for what others did. I9: it was not
 * delivered before it was stored. I14: nor before its time.
 */
import type { Message } from "../../../src/engine/message-store.ts";
import { isFired, isOfMessage, itemOfMessage, payloadOf } from "../posts.ts";
import type { PostMode } from "../posts.ts";
import { isSetBack } from "../run-log.ts";
import type { MessageEvent, RunLog, Violation } from "../run-log.ts";

type Log = Pick<
  RunLog,
  | "operations"
  | "applied"
  | "messages"
  | "runs"
  | "cancelled"
  | "acknowledged"
  | "outside"
  | "setBacks"
  | "isCalm"
  | "asked"
>;

export function checkDeliveries(log: Log): readonly Violation[] {
  return [
    ...checkRuns(log),
    ...checkEnds(log),
    ...checkOnce(log),
    ...checkOutside(log),
    ...checkAcknowledged(log),
  ];
}

/** Whatever is outside knows what it was asked for before by its id. */
function checkOutside({ outside }: Log): readonly Violation[] {
  return [...outside]
    .filter(([, { ids }]) => ids.size > 1)
    .map(([value, { ids }]) => ({
      invariant: "I6",
      what: `${value} was asked for under ${ids.size} ids`,
    }));
}

/** No message ends twice. */
function checkOnce({ messages }: Log): readonly Violation[] {
  const ended = new Set<string>();
  return messages.flatMap(({ type, message }): readonly Violation[] => {
    if (type !== "consumed" && type !== "replaced") return [];
    const key = `${message.id} ${message.sentAt}`;
    const isTwice = ended.has(key);
    ended.add(key);
    return isTwice ? [{ invariant: "I6", what: `${itemOfMessage(message)} ended twice` }] : [];
  });
}

/** Nothing is delivered before it is stored, or before its time. */
function checkRuns({ runs, messages, setBacks }: Log): readonly Violation[] {
  const sent = new Map<string, MessageEvent>();
  for (const event of messages) {
    if (event.type === "sent") addFirst(sent, itemOfMessage(event.message), event);
  }
  return runs.flatMap(({ item, sequence, at, actor }): readonly Violation[] => {
    if (!isOfMessage(item)) return [];
    const event = sent.get(item);
    if (event === undefined || event.sequence > sequence) {
      return [{ invariant: "I9", what: `${item} was delivered to ${actor} before it was stored` }];
    }
    const { dueAt, sentAt, headers } = event.message;
    const isForLater = headers.repeat !== undefined || payloadOf(event.message).isLater;
    if (!isForLater || at >= dueAt || isSetBack(setBacks, sequence)) return [];
    const what = `${item} of ${sentAt} was delivered to ${actor} ${dueAt - at} ms before its time`;
    return [{ invariant: "I14", what }];
  });
}

/** How actions behave that may fail. */
const saysNo: ReadonlySet<PostMode> = new Set(["moody", "throw", "fail", "spoil"]);

const innocentKinds: ReadonlySet<Message["headers"]["kind"]> = new Set(["call", "external"]);

function checkEnds({ messages, runs, cancelled, outside, isCalm }: Log): readonly Violation[] {
  const ran = new Set(runs.map(({ item }) => item));
  const occurrences = messages.map(({ message }) => message.headers.occurrence);
  const aside = new Set(occurrences.map((one) => `${one?.of} ${one?.plannedAt}`));
  return messages.flatMap(({ type, message, sequence }): readonly Violation[] => {
    const item = itemOfMessage(message);
    const { target, headers, id } = message;
    const violation = (what: string): readonly Violation[] => [{ invariant: "I6", what }];
    const { mode } = payloadOf(message);
    switch (type) {
      case "replaced": {
        if (headers.kind === "broadcast") return [];
        // A planned time that is given up becomes a message of its own.
        if (aside.has(`${id} ${headers.repeat?.plannedAt}`)) return [];
        if (headers.kind === "external") {
          const isDone = (outside.get(item)?.doneAt ?? Infinity) < sequence;
          return isDone ? [] : violation(`${item} ended before it was done outside`);
        }
        const isSkipped = headers.repeat?.catchUp === "skip";
        if (target.definition === "post-stateless") {
          return isSkipped || ran.has(item) ? [] : violation(`${item} ended and never ran`);
        }
        // A step whose action said no is over; it may have had the mood to.
        const isOver =
          isSkipped || mode === "fail" || (headers.kind === "step" && saysNo.has(mode));
        return isOver ? [] : violation(`${item} ended without a commit of its target`);
      }
      case "removed":
        return cancelled.has(id) || headers.kind === "step"
          ? []
          : violation(`${item} was removed, and nobody wanted that`);
      case "parked":
        return isCalm && mode === "plain" && innocentKinds.has(headers.kind)
          ? violation(`${item} was given up for what others did`)
          : [];
      default:
        return [];
    }
  });
}

/** What callers were told about their own calls, and about messages that they sent themselves. */
function checkAcknowledged(log: Log): readonly Violation[] {
  const { operations, applied, messages, acknowledged } = log;
  const stored = new Set(messages.map(({ message }) => message.id));
  const violations: Violation[] = [...acknowledged]
    .filter((id) => !stored.has(id))
    .map((id) => ({ invariant: "I6", what: `message ${id} was acknowledged and never stored` }));
  const finals = new Map<string, ReadonlySet<string>>();
  for (const { actor, role, commit } of applied) {
    if (role.startsWith("post")) finals.set(actor, new Set(statesOf(commit.state)));
  }
  for (const { actor, role, value, outcome, lastReplies } of operations) {
    if (role !== "post") continue;
    const isThere = finals.get(actor)?.has(value!) === true;
    const what = `${value} of ${actor}`;
    if (outcome === "yes" && !isThere) {
      violations.push({ invariant: "I2", what: `${what} was acknowledged, and is not there` });
    }
    if (outcome === "no" && isThere) {
      violations.push({ invariant: "I4", what: `${what} was refused, and is there` });
    }
    if (lastReplies !== undefined && lastReplies.size > 1) {
      violations.push({ invariant: "I5", what: `${what} was answered differently when repeated` });
    }
  }
  return [...violations, ...checkSteps(log)];
}

/** A step of a call is taken once, wherever that is. */
function checkSteps({ applied }: Log): readonly Violation[] {
  const taken = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  for (const { actor, role, commit } of applied) {
    if (role.startsWith("post")) lists.set(actor, statesOf(commit.state));
  }
  const violations: Violation[] = [];
  for (const [actor, items] of lists) {
    for (const item of items) {
      if (!item.includes(">")) continue;
      const before = taken.get(item);
      const what = `step ${item} was taken by ${before} and by ${actor}`;
      if (before !== undefined) violations.push({ invariant: "I5", what });
      taken.set(item, actor);
    }
  }
  return violations;
}

function statesOf(state: unknown): readonly string[] {
  return typeof state === "string"
    ? (JSON.parse(state) as { items: readonly string[] }).items.filter((item) => !isFired(item))
    : [];
}

function addFirst<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (!map.has(key)) map.set(key, value);
}
