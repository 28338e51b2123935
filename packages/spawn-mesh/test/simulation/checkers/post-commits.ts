import { itemOfMessage, payloadOf } from "../posts.ts";
import type { PostPayload } from "../posts.ts";
import type { AppliedCommit, MessageEvent, RunLog } from "../run-log.ts";
import { newItems } from "./new-items.ts";

/** A commit of an actor that takes messages. */
export interface PostCommit {
  readonly entry: AppliedCommit;
  /** What it added to the list of its actor. */
  readonly items: readonly string[];
  /** What happened to messages in it. */
  readonly events: readonly MessageEvent[];
  /** What the action was told that added the item; `undefined` if it cannot be known. */
  readonly payloadOf: (item: string) => PostPayload | undefined;
  /** Whether an action in it did not want that message, which was sent when there were so many items. */
  readonly unwants: (value: string, sentAfter: number) => boolean;
}

export function postCommits({
  applied,
  messages,
  asked,
}: Pick<RunLog, "applied" | "messages" | "asked">): readonly PostCommit[] {
  const byEtag = Map.groupBy(messages, ({ etag }) => etag);
  return newItems(applied).map(({ entry, items }) => {
    const events = byEtag.get(entry.commit.etag) ?? [];
    const standFor = new Map(
      events
        .filter(({ type }) => type === "consumed")
        .map(({ message }) => [itemOfMessage(message), message]),
    );
    const told = (item: string): PostPayload | undefined => {
      const message = standFor.get(item);
      return message === undefined ? asked.get(item) : payloadOf(message);
    };
    const cancels = items.map((item) => cancelledBy(item, told(item)));
    const unwants = (value: string, sentAfter: number): boolean =>
      cancels.slice(sentAfter).some((values) => values.includes(value));
    return { entry, items, events, payloadOf: told, unwants };
  });
}

/** The values that the action cancelled which added the item; steps of a call cancel nothing. */
function cancelledBy(item: string, payload: PostPayload | undefined): readonly string[] {
  if (payload === undefined || item.includes(">")) return [];
  return payload.cancels.map(({ value }) => value);
}
