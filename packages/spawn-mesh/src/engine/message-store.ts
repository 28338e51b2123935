/**
 * PORT: messages that wait to be delivered (the outbox).
 *
 * A message is a call that is stored until its target has taken it. It comes into being with the
 * commit of the actor that sends it, and ends with the commit of the actor that runs it, so neither
 * can happen without the other. In between it is delivered as often as it takes.
 *
 * Ordered messages from one source to one target are a *lane*: they are claimed in the order in
 * which they were stored. A source of `undefined` has no lanes.
 */
import type { ActorId } from "./actor-id.ts";

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
  /** For a step: whether its outcome is remembered, because the caller gave an idempotency key. */
  readonly isRemembered?: boolean;
  /** When it comes again after it was consumed. */
  readonly repeat?: PlannedRepetition;
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

/** A message as it is sent. */
export interface Message {
  /** 1 to 128 characters of ASCII without control characters; unique in the statestore. */
  readonly id: string;
  /** The actor whose commit sent it; `undefined` when it came from outside. */
  readonly source: ActorId | undefined;
  readonly target: ActorId;
  /** A name like those of actors, or empty. */
  readonly action: string;
  /** JSON text; `null` when there is none. */
  readonly payload: string | null;
  readonly headers: MessageHeaders;
  /** Whether it belongs to a lane. */
  readonly isOrdered: boolean;
  /** Whether it is a timer of its source: a commit that deletes the source removes it. */
  readonly isTimer: boolean;
  /** When it was sent (wall). */
  readonly sentAt: number;
  /** When it may be claimed (wall). */
  readonly dueAt: number;
}

/** A message as it waits. */
export interface StoredMessage extends Message {
  /** How often it was claimed, or tried and failed. */
  readonly attempts: number;
  /** Why it could not be delivered last time: well-formed text without NUL, at most 1 000 UTF-16 units. */
  readonly error: string | undefined;
}

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
  /** Messages that were tried at least so often, */
  readonly attemptsFrom: number;
  /** and less often than this. */
  readonly attemptsBelow: number;
  /** The most messages. */
  readonly limit: number;
  /**
   * The most payloads, in UTF-16 units: a claim ends before the message that would be too much.
   * The first message is claimed in any case.
   */
  readonly unitsMax: number;
  /** A claimed message is due again after `firstMs` doubled with each attempt, up to `maxMs`. */
  readonly retry: { readonly firstMs: number; readonly maxMs: number };
}

/** What becomes of a message that could not be delivered. */
export interface Postponement {
  readonly id: string;
  readonly dueAt: number;
  readonly attempts: number;
  readonly error: string | undefined;
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

/** What waits to be delivered. Fails as a statestore does; no call here answers in doubt. */
export interface MessageStore {
  /** Stores messages that no commit sends, all or none. One whose id is stored or parked already changes nothing. */
  send(messages: readonly Message[]): Promise<void>;

  /**
   * Takes messages for delivery: counts an attempt, makes each due later, and answers them as they
   * are afterwards; the longest due first, the earlier stored first among equals. A message of a lane
   * is left unless all earlier ones of its lane go before it in this very claim.
   */
  claim(claim: MessageClaim): Promise<readonly StoredMessage[]>;

  /** When {@link claim} may find a message: the earliest `dueAt` of those that wait for no earlier one of their lane. */
  nextDueAt(): Promise<number | undefined>;

  /** Changes when messages are due. Those that are not stored any more are left out. */
  postpone(postponements: readonly Postponement[]): Promise<void>;

  /** Removes message `id` and stores `messages`, or does neither and answers `false` when it is not stored. */
  replace(id: string, messages: readonly Message[]): Promise<boolean>;

  /** Removes messages; answers the ids of those that were stored. */
  remove(ids: readonly string[]): Promise<readonly string[]>;

  /** What waits, the earliest due first, and by the bytes of the id among equals. */
  list(page: MessagePage): Promise<readonly StoredMessage[]>;

  /** Gives messages up: they wait apart until somebody decides. Those that are not stored any more are left out. */
  park(
    parked: readonly { readonly id: string; readonly error: string }[],
    at: number,
  ): Promise<void>;

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
