/**
 * Channels: a payload for all who listen.
 *
 * A broadcast is one message, stored with the commit that made it. It is replaced by a message for each
 * subscriber, some at a time; each time the same change of the statestore takes note of how far it
 * came. So every subscriber gets it once, whatever dies. What one channel says to one subscriber is a
 * lane: it arrives in the order in which it was said. So what follows in the lane of a broadcast that has
 * not reached all of them is left to the statestore, which has the rest of it.
 *
 * Subscribers are actors whose definitions name the channel: the named ones always, the unnamed ones
 * from their first commit to their deletion. Code that is no actor listens too, without any promise.
 */
import type { ActorDefinition } from "../actor-definition.ts";
import { checkName } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import type { Clock, Random } from "../clock.ts";
import { SpawnError, describeThrown } from "../errors.ts";
import type { EventListener } from "../events.ts";
import type { Caller } from "../calls/invocation.ts";
import type { Limits } from "../limits.ts";
import type { Message, StoredMessage } from "../message-store.ts";
import { payloadOf, unitsOf } from "./message-payload.ts";
import { CHANNEL, newMessageId } from "./sending.ts";
import { StoreFailure } from "../statestore.ts";
import type { Statestore } from "../statestore.ts";

/** What a listener outside of actors is told. */
export interface Publication {
  readonly channel: string;
  readonly payload: unknown;
  /** The same for all who hear it. */
  readonly id: string;
  /** The actor that broadcast it; `undefined` when it came from outside. */
  readonly publisher: ActorId | undefined;
}

/** Hears what is published in a channel while this process listens; nothing is kept for it. */
export type ChannelListener = (publication: Publication) => void;

export interface BroadcastsParts {
  readonly system: string;
  readonly definitions: () => readonly ActorDefinition[];
  readonly store: Statestore;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly emit: EventListener;
  /** Hears that messages were stored which are due at this time (wall). */
  readonly onStored: (dueAt: number) => void;
}

/** The answer to a broadcast that may go on: what was sent behind it must not overtake that. */
export const REST_IS_STORED: unique symbol = Symbol("the rest is stored");

type Place = { readonly definition: string; readonly name: string };

export class Broadcasts {
  readonly #parts: BroadcastsParts;
  readonly #listeners = new Map<string, Set<ChannelListener>>();

  constructor(parts: BroadcastsParts) {
    this.#parts = parts;
  }

  /** Listens to a channel until the function that it returns is called. @throws {SpawnError} `INVALID_ARGUMENT` */
  listen(channel: string, listener: ChannelListener): () => void {
    checkName("channel", channel);
    if (typeof listener !== "function") {
      const came = typeof listener;
      throw new SpawnError("INVALID_ARGUMENT", `listener: expected a function, got ${came}`);
    }
    const own: ChannelListener = (publication) => listener(publication);
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0) this.#listeners.delete(channel);
    };
  }

  /** Gives a broadcast to some more of its subscribers; answers, when that is stored, whether {@link REST_IS_STORED}. */
  deliver(message: StoredMessage, caller: Caller): void {
    this.#expand(message).then(
      (isOver) => caller.resolve(isOver ? undefined : REST_IS_STORED),
      (cause: unknown) => caller.reject(expansionError(cause)),
    );
  }

  /** Answers whether all of them have it, and not only as far as somebody else knows. */
  async #expand(message: StoredMessage): Promise<boolean> {
    const { store, clock, onStored } = this.#parts;
    const channel = message.target.name;
    const at = clock.wall();
    const { subscribers, reached } = await this.#nextSubscribers(channel, {
      after: message.headers.reached,
      atOnce: this.#atOnce(message),
    });
    const messages = subscribers.map(({ place, action }) => ({
      ...this.#forSubscriber(message, place, at),
      action: message.action === "" ? action : message.action,
    }));
    if (reached !== undefined) {
      const { attempts: _, error: __, ...rest } = message;
      const sentAt = Math.max(at, message.sentAt + 1);
      messages.push({ ...rest, sentAt, dueAt: at, headers: { ...rest.headers, reached } });
    }
    const wasStored = await store.messages.replace(message, messages);
    if (wasStored && message.headers.reached === undefined) this.#tellListeners(message);
    if (messages.length > 0) onStored(at);
    return wasStored && reached === undefined;
  }

  #forSubscriber(message: StoredMessage, place: Place, at: number): Message {
    const { source } = message;
    return {
      id: newMessageId(this.#parts),
      source: { system: this.#parts.system, definition: CHANNEL, name: message.target.name },
      target: { system: this.#parts.system, ...place },
      action: "",
      payload: message.payload,
      headers: { kind: "call", ...(source && { caller: source }) },
      isOrdered: true,
      isTimer: false,
      sentAt: at,
      dueAt: at,
    };
  }

  /** How many subscribers get the message in one change: fewer if it is large. */
  #atOnce(message: StoredMessage): number {
    const { subscribersAtOnceMax, commitUnitsMax } = this.#parts.limits;
    const fitting = Math.floor(commitUnitsMax / unitsOf(message));
    return Math.max(1, Math.min(subscribersAtOnceMax, fitting));
  }

  /** The subscribers after `after`, and the last of them if there may be more. */
  async #nextSubscribers(
    channel: string,
    { after, atOnce }: { readonly after: Place | undefined; readonly atOnce: number },
  ) {
    const subscribers: { readonly place: Place; readonly action: string }[] = [];
    for (const { name: definition, action, isMany } of this.#subscribed(channel)) {
      if (after !== undefined && definition < after.definition) continue;
      const isReached = after !== undefined && definition === after.definition;
      const limit = atOnce - subscribers.length;
      const names = isMany
        ? await this.#instances(definition, isReached ? after.name : undefined, limit)
        : isReached
          ? []
          : [definition];
      for (const name of names) subscribers.push({ place: { definition, name }, action });
      if (subscribers.length >= atOnce) {
        return { subscribers, reached: subscribers.at(-1)!.place };
      }
    }
    return { subscribers, reached: undefined };
  }

  async #instances(
    definition: string,
    after: string | undefined,
    limit: number,
  ): Promise<readonly string[]> {
    const { store, system } = this.#parts;
    return await store.listActors({ system, definition, after, limit });
  }

  #subscribed(channel: string) {
    return this.#parts
      .definitions()
      .flatMap(({ name, kind, channels }) => {
        const action = channels.get(channel);
        return action === undefined ? [] : [{ name, action, isMany: kind === "unnamed" }];
      })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  #tellListeners({ id, source, target, payload }: StoredMessage): void {
    for (const listener of this.#listeners.get(target.name) ?? []) {
      try {
        const publication = { id, channel: target.name, publisher: source };
        listener({ ...publication, payload: payloadOf({ payload }) });
      } catch (error) {
        this.#parts.emit({ type: "listener-failed", channel: target.name, error });
      }
    }
  }
}

function expansionError(cause: unknown): SpawnError {
  const what = `the subscribers of a broadcast could not be given their messages: ${describeThrown(cause)}`;
  if (!(cause instanceof StoreFailure)) return new SpawnError("INTERNAL", what, { cause });
  // What can never be stored must not keep back for ever what was said behind it.
  const code = cause.kind === "rows" ? "PAYLOAD_TOO_LARGE" : "STATESTORE_UNAVAILABLE";
  return new SpawnError(code, what, { cause });
}
