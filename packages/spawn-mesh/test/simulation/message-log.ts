/**
 * What the database knows of its messages, kept beside it: each change as an event, and what is stored
 * and parked. It is a second opinion about the reference store, which is asked at the end.
 */
import type {
  Message,
  MessageRef,
  Postponement,
  StoredMessage,
} from "../../src/engine/message-store.ts";
import type { Commit } from "../../src/engine/statestore.ts";
import { itemOfMessage } from "./posts.ts";
import type { MessageEvent } from "./run-log.ts";
import type { World } from "./world.ts";

export class MessageLog {
  readonly #world: World;
  readonly #stored = new Map<string, Message>();
  readonly #parked = new Map<string, Message>();

  constructor(world: World) {
    this.#world = world;
  }

  /** What waits to be delivered. */
  get stored(): readonly Message[] {
    return [...this.#stored.values()];
  }

  has({ id, sentAt }: MessageRef): boolean {
    return this.#stored.get(id)?.sentAt === sentAt;
  }

  committed({ actor, etag, isDelete, consumes, cancels, sends }: Commit): void {
    for (const { id } of consumes) this.#end(id, "consumed", etag);
    for (const id of cancels) this.#end(id, "cancelled", etag);
    if (isDelete) {
      const timers = this.stored.filter(({ source, isTimer }) => isTimer && isSame(source, actor));
      for (const { id } of timers) this.#end(id, "forgotten", etag);
    }
    this.sent(sends, etag);
  }

  sent(messages: readonly Message[], etag?: string): void {
    for (const message of messages) {
      const { id } = message;
      if (this.#stored.has(id) || this.#parked.has(id)) continue;
      this.#stored.set(id, message);
      this.#record("sent", message, etag);
    }
  }

  claimed(messages: readonly StoredMessage[]): void {
    for (const message of messages) {
      this.#record("claimed", message);
      if (message.attempts > 1) this.#world.count("message claimed again");
    }
  }

  postponed(postponements: readonly Postponement[]): void {
    for (const postponement of postponements) {
      const message = this.#stored.get(postponement.id);
      if (message === undefined || !this.has(postponement)) continue;
      const dueInMs = postponement.dueAt - this.#world.wall();
      const { attempts, isUnderWay } = postponement;
      this.#world.note(
        `database: postponed ${itemOfMessage(message)} of ${message.source?.name} to ${message.target.definition}/${message.target.name} for ${dueInMs} ms, after attempt ${attempts}${isUnderWay === true ? ", which goes on" : ""}`,
      );
    }
  }

  replaced(id: string, messages: readonly Message[]): void {
    const message = this.#end(id, "replaced");
    const { kind, repeat, reached } = message?.headers ?? {};
    if (kind === "broadcast") this.#world.count("broadcast expanded");
    if (reached !== undefined) this.#world.count("broadcast continued");
    if (repeat?.catchUp === "skip") this.#world.count("tick missed");
    this.sent(messages);
  }

  removed(ids: readonly string[]): void {
    for (const id of ids) this.#end(id, "removed");
  }

  parked(refs: readonly MessageRef[]): void {
    for (const ref of refs) {
      if (!this.has(ref)) continue;
      const message = this.#end(ref.id, "parked");
      if (message !== undefined) this.#parked.set(ref.id, message);
    }
  }

  retried(ids: readonly string[]): void {
    for (const id of ids) {
      const message = this.#parked.get(id)!;
      this.#parked.delete(id);
      this.#stored.set(id, message);
      this.#record("retried", message);
    }
  }

  discarded(ids: readonly string[]): void {
    for (const id of ids) {
      this.#record("discarded", this.#parked.get(id)!);
      this.#parked.delete(id);
    }
  }

  #end(id: string, type: MessageEvent["type"], etag?: string): Message | undefined {
    const message = this.#stored.get(id);
    if (message === undefined) return undefined;
    this.#stored.delete(id);
    this.#record(type, message, etag);
    return message;
  }

  #record(type: MessageEvent["type"], message: Message, etag?: string): void {
    const { attempts } = message as Partial<StoredMessage>;
    this.#world.messages.push({
      sequence: this.#world.next(),
      at: this.#world.wall(),
      type,
      message,
      etag,
    });
    this.#world.count(`message ${type}`);
    this.#world.note(
      `database: ${type} ${itemOfMessage(message)} of ${message.source?.name} to ${message.target.definition}/${message.target.name}${attempts === undefined ? "" : `, attempt ${attempts}`}`,
    );
  }
}

function isSame(one: Message["source"], other: Commit["actor"]): boolean {
  return one?.definition === other.definition && one.name === other.name;
}
