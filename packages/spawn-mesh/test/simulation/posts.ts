/**
 * What the actors that send and receive messages are told to do.
 *
 * A payload says everything in advance: what is put into the receiver's own list, what it sends, and
 * who goes on with the call. Values are unique in a run, and the value of a message is that of what
 * sent it with a number behind a `/`, so that from the outside everybody can tell what belongs together.
 */
import type { Message } from "../../src/engine/message-store.ts";
import type { SendOptions } from "../../src/engine/messages/send-options.ts";
import type { PostRole } from "./run-log.ts";

/** The channel that some of the actors listen to. */
export const CHANNEL_NAME = "news";

/** The one function outside. */
export const OUTSIDE_NAME = "outside";

/**
 * How the code of an action behaves: `moody` throws now and then, `deadly` ends its incarnation each
 * time, `fail` says no for good, `spoil` leaves a state that cannot be stored.
 */
export const postModes = ["plain", "slow", "moody", "throw", "fail", "spoil", "deadly"] as const;
export type PostMode = (typeof postModes)[number];

export interface Place {
  readonly role: PostRole;
  readonly name: string;
}

export interface PostPayload {
  readonly value: string;
  readonly mode: PostMode;
  readonly ms: number;
  /** Whether it is delivered later, when it is a message. */
  readonly isLater: boolean;
  readonly errands: readonly Errand[];
  /** Where the call goes on, one after the other. */
  readonly route: readonly Hop[];
  /** Whether the whole is told to all subscribers: the values of what they get are the same. */
  readonly broadcasts: readonly PostPayload[];
  /** What is done outside. */
  readonly outside: readonly PostPayload[];
  /** Messages that were sent before, if nothing went wrong, and are not wanted any more. */
  readonly cancels: readonly Cancelled[];
  /** Whether the actor deletes itself with this. */
  readonly isLast: boolean;
  /** What the list was of an actor that has deleted itself: nobody sees it but by this message. */
  readonly list?: readonly string[];
}

/** A payload that asks for nothing. */
export const EMPTY = {
  mode: "plain",
  ms: 0,
  isLater: false,
  errands: [],
  route: [],
  broadcasts: [],
  outside: [],
  cancels: [],
  isLast: false,
} as const satisfies Omit<PostPayload, "value">;

/** A message to cancel: its value, and the id that is given for it. */
interface Cancelled {
  readonly value: string;
  readonly id: string;
}

/** A message to send. */
export interface Errand {
  readonly to: Place;
  readonly options: SendOptions;
  readonly payload: PostPayload;
}

interface Hop {
  readonly kind: "pipe" | "forward";
  readonly to: Place;
}

/** What an action puts into the list of its actor when it is called with this value by this message. */
export function itemOf(
  { value }: Pick<PostPayload, "value">,
  headers: Message["headers"] | undefined,
): string {
  if (headers?.kind === "step") return `${value}>${headers.hops}`;
  if (headers?.repeat !== undefined) return `${value}@${headers.repeat.plannedAt}`;
  return value;
}

/** The item that a stored message stands for. */
export function itemOfMessage({ payload, headers }: Message): string {
  return itemOf(payloadOf({ payload }), headers);
}

export function payloadOf({ payload }: Pick<Message, "payload">): PostPayload {
  return JSON.parse(payload as string) as PostPayload;
}

/** What an item is there because of: the item of the action that sent it. */
export function causeOf(item: string): string | undefined {
  const step = /^(.*)>(\d+)$/.exec(item);
  if (step !== null) return step[2] === "1" ? step[1]! : `${step[1]}>${Number(step[2]) - 1}`;
  const [value] = item.split("@");
  const end = value!.lastIndexOf("/");
  return end < 0 ? undefined : value!.slice(0, end);
}

/** The value of the payload that an item is there because of. */
export function valueOf(item: string): string {
  return item.split(/[@>]/)[0]!;
}

/** Whether a message was sent once and stored nowhere. */
export function isFired(item: string): boolean {
  return item.includes("!");
}

/** Whether an item is there because of a stored message. */
export function isOfMessage(item: string): boolean {
  return /[/>@]/.test(item) && !isFired(item);
}
