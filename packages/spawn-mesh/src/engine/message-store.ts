/**
 * PORT: messages that wait to be delivered (the outbox).
 *
 * A message is a call that is stored until its target has taken it. It comes into being with the
 * commit of the actor that sends it, and ends with the commit of the actor that runs it, so neither
 * can happen without the other. In between it is delivered as often as it takes.
 *
 * Ordered messages from one source to one target are a *lane*: they are claimed in the order in
 * which they were stored, and only the first one stored, its *head*, is ever looked for. So what waits
 * behind a head that fails costs nothing until its turn, however much it is. A source of `undefined`
 * has no lanes; a message without a lane is looked for like a head.
 *
 * A message whose process may have ended because of it is *doubtful*: it has {@link DOUBTFUL_ATTEMPTS} or
 * more, and was not postponed since it was claimed last (other than as still under way), so how that ended was
 * never told.
 */
import type { ActorId } from "./actor-id.ts";
import type { Sealed } from "./sealed-rows.ts";
import type { StoredReply } from "./statestore.ts";

/** What a message is to whoever delivers it; statestores keep it as JSON and do not look inside. */
export interface MessageHeaders {
  /**
   * `call`: nobody waits for the reply. `step`: continues the call of somebody who waits (pipe,
   * forward). `broadcast`: for all subscribers of the channel `target.name`. `external`: for the
   * function `target.name`, outside of any actor.
   */
  readonly kind: "call" | "step" | "broadcast" | "external";
  /** Text that goes with it, as `ctx.metadata`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** For a step: how many steps were before it. */
  readonly hops?: number;
  /**
   * For a step whose outcome is remembered, because the caller gave an idempotency key: the actor that
   * remembers it if the target cannot. It has the key of the caller, or the outcome of an earlier step.
   */
  readonly rememberedBy?: ActorId;
  /** When it was to be delivered first (wall), if that was not at once and it is not repeated. */
  readonly notBefore?: number;
  /**
   * How long it was to wait when it was stored, in milliseconds, if that was asked for and not a time: so long
   * at the most, whatever becomes of the wall clock meanwhile.
   */
  readonly delayMs?: number;
  /** When it comes again after it was consumed. */
  readonly repeat?: PlannedRepetition;
  /** For an occurrence of a repeated message that was given up: of which, and when it was planned (wall). */
  readonly occurrence?: { readonly of: string; readonly plannedAt: number };
  /** Who `ctx.caller` is, when it is not the source: the publisher of a broadcast. */
  readonly caller?: ActorId;
  /** For a broadcast: the subscribers up to this one have their messages already. */
  readonly reached?: { readonly definition: string; readonly name: string };
}

/** When a message comes again. */
export type Repetition = (
  | { readonly everyMs: number }
  /** A cron expression, five or six fields, in the time zone (IANA name). */
  | { readonly cron: string; readonly timeZone: string }
) & {
  /** What happens to times that passed while nobody could take it. */
  readonly catchUp: "skip" | "one" | "all";
};

/** A repetition with the time that this delivery was planned for (wall), however late it is. */
export type PlannedRepetition = Repetition & { readonly plannedAt: number };

/**
 * Which message is meant. One that comes again keeps its id, and an id may be used anew when nothing
 * waits by it; the time of sending tells them apart, so that whoever is late with an old one finds
 * that it is not stored, and does nothing to the new one.
 */
export interface MessageRef {
  /** 1 to 128 characters of ASCII without control characters; one message of an id is stored at a time. */
  readonly id: string;
  /** When it was sent (wall); later than that of the one whose place it takes. */
  readonly sentAt: number;
}

/** Whether a load found this very message. */
export function isStored(
  { id, sentAt }: MessageRef,
  { messages }: { readonly messages: readonly StoredMessage[] },
): boolean {
  return messages.some((found) => found.id === id && found.sentAt === sentAt);
}

/** The id under which a message was sent: that of the repeated one, when it is an occurrence by itself. */
export function sentId({ id, headers }: Pick<Message, "id" | "headers">): string {
  return headers.occurrence?.of ?? id;
}

/** A message as it is sent. */
export interface Message extends MessageRef {
  /** The actor whose commit sent it; `undefined` when it came from outside. */
  readonly source: ActorId | undefined;
  readonly target: ActorId;
  /** A name like those of actors, or empty. */
  readonly action: string;
  /** JSON text; `null` when there is none. Sealed together with all of `headers` but `kind`. */
  readonly payload: string | Sealed | null;
  readonly headers: MessageHeaders;
  /** Whether it belongs to a lane. */
  readonly isOrdered: boolean;
  /** Whether it is a timer of its source: a commit that deletes the source removes it. */
  readonly isTimer: boolean;
  /** When it may be claimed (wall). */
  readonly dueAt: number;
}

/**
 * A message as it waits. Of one whose row is damaged `payload` is sealed by nobody, with the problem, and what
 * cannot be read is left out, so that the names of its target may be empty. It can be parked and removed.
 */
export interface StoredMessage extends Message {
  /** How often it was claimed, or tried and failed. */
  readonly attempts: number;
  /**
   * Why it could not be delivered last time: well-formed text without NUL, at most 1 000 UTF-16 units,
   * or what encryption makes of that, at most 4 100 characters of ASCII.
   */
  readonly error: string | undefined;
}

/**
 * So many attempts make a message doubtful. One is no reason to suspect it: when a process ends, nothing is
 * told of all that it had claimed.
 */
export const DOUBTFUL_ATTEMPTS = 2;

/** A message that was given up. It waits until somebody decides. */
export interface ParkedMessage extends StoredMessage {
  readonly error: string;
  /** When it was given up (wall). */
  readonly parkedAt: number;
}

/** What to claim. */
export interface MessageClaim {
  /** Messages due at this time (wall) or before. */
  readonly wall: number;
  /** Whether to claim those that are doubtful, or those that are not. */
  readonly isDoubtful: boolean;
  /** The most messages. */
  readonly limit: number;
  /** The most messages of one lane. */
  readonly laneMax: number;
  /**
   * The most payloads, in UTF-16 units, or bytes of sealed ones: a claim ends before the message that
   * would be too much. The first message is claimed in any case.
   */
  readonly unitsMax: number;
  /** A claimed message is due again after `firstMs` doubled with each attempt, up to `maxMs`. */
  readonly retry: { readonly firstMs: number; readonly maxMs: number };
}

/** What becomes of a message that could not be delivered. */
export interface Postponement extends MessageRef {
  readonly dueAt: number;
  readonly attempts: number;
  readonly error: string | undefined;
  /** Whether it is still being delivered, so that this does not tell how that ended. Default `false`. */
  readonly isUnderWay?: boolean;
}

/** A page of a list. */
export interface MessagePage {
  /** Messages of this source only. */
  readonly source?: ActorId | undefined;
  /** Messages to this target only. */
  readonly target?: ActorId | undefined;
  /** Where the page before ended: the `dueAt` of its last message (`parkedAt` of a parked one) and its id. */
  readonly after?: { readonly at: number; readonly id: string } | undefined;
  readonly limit: number;
}

/** A page of the messages that a clock which was ahead has sent, or has given their time. */
export interface SentLaterPage {
  /** Messages that were sent after this time (wall). */
  readonly sentAfter: number;
  /**
   * Messages, too, that are due after this time (wall), and whose time had come before: they have an attempt or
   * an error, or belong to a lane.
   */
  readonly leftDueAfter: number;
  /** Where the page before ended, as in {@link MessagePage}. */
  readonly after: { readonly at: number; readonly id: string };
  /** How many messages of the list are looked at, so that a long one is not walked through. */
  readonly among: number;
  readonly limit: number;
}

/** A reply that is stored with an actor without a commit of it. */
export interface RememberedOutcome {
  readonly actor: ActorId;
  readonly reply: StoredReply;
}

/**
 * What waits to be delivered. Fails as a statestore does: no call answers in doubt, but a change that
 * failed as `ambiguous` may have been made, or may yet be made, whatever has happened since.
 */
export interface MessageStore {
  /** Stores messages that no commit sends, all or none. One whose id is stored or parked already changes nothing. */
  send(messages: readonly Message[]): Promise<void>;

  /**
   * Takes messages for delivery: counts an attempt, makes each due later, and answers them as they are
   * afterwards.
   *
   * First come heads and messages without a lane: the longest due first, the earlier stored first among
   * equals. If there is room for more, those follow that come right behind each of these heads in its
   * lane, in order, as long as they are due and wanted too; lane by lane, in the order of the heads.
   *
   * A damaged one is answered like the others, so that it stops nobody.
   */
  claim(claim: MessageClaim): Promise<readonly StoredMessage[]>;

  /** When {@link claim} may find a message: the earliest `dueAt` of heads and messages without a lane. */
  nextDueAt(): Promise<number | undefined>;

  /** Changes when messages are due. Those that are not stored any more are left out. */
  postpone(postponements: readonly Postponement[]): Promise<void>;

  /**
   * Removes a message, stores `messages`, and remembers `outcome`; or does nothing of that and answers
   * `false` when the message is not stored. One of `messages` that has its id, and is from the same source to
   * the same target, as ordered and as much a timer, has its place in the lane too: it goes on, and none behind
   * it goes before it. The outcome is left out when its actor has no row, was deleted, or has a reply with that
   * key.
   */
  replace(
    message: MessageRef,
    messages: readonly Message[],
    outcome?: RememberedOutcome,
  ): Promise<boolean>;

  /** Removes messages; answers the ids of those that were stored. */
  remove(ids: readonly string[]): Promise<readonly string[]>;

  /** What waits, the earliest due first, and by the bytes of the id among equals. */
  list(page: MessagePage): Promise<readonly StoredMessage[]>;

  /** Of the next `among` messages of the {@link list}, those that were sent after a time, or left and are due after one; in its order. */
  listSentLater(page: SentLaterPage): Promise<readonly StoredMessage[]>;

  /** Gives messages up: they wait apart until somebody decides. Those that are not stored any more are left out. */
  park(parked: readonly (MessageRef & { readonly error: string })[], at: number): Promise<void>;

  /** What was given up, the first given up first, and by the bytes of the id among equals. */
  listParked(page: MessagePage): Promise<readonly ParkedMessage[]>;

  /**
   * Lets parked messages be due at `dueAt` with no attempts and no error, in the order of `ids` and
   * behind all others of their lanes; answers the ids of those that were parked.
   */
  retryParked(ids: readonly string[], dueAt: number): Promise<readonly string[]>;

  /** Removes parked messages; answers the ids of those that were parked. */
  discardParked(ids: readonly string[]): Promise<readonly string[]>;
}
