import type {
  Message,
  MessageClaim,
  MessagePage,
  MessageRef,
  MessageStore,
  ParkedMessage,
  Postponement,
  RememberedOutcome,
  SentLaterPage,
  StoredMessage,
} from "../../engine/message-store.ts";
import type { Sealing } from "./sealing.ts";

/** Messages, sealed on their way into a message store and opened on their way out. */
export class EncryptedMessages implements MessageStore {
  readonly #inner: MessageStore;
  readonly #sealing: () => Sealing;

  constructor(inner: MessageStore, sealing: () => Sealing) {
    this.#inner = inner;
    this.#sealing = sealing;
  }

  async send(messages: readonly Message[]): Promise<void> {
    await this.#inner.send(this.#seal(messages));
  }

  async claim(claim: MessageClaim): Promise<readonly StoredMessage[]> {
    return this.#open(await this.#inner.claim(claim));
  }

  nextDueAt(): Promise<number | undefined> {
    return this.#inner.nextDueAt();
  }

  async postpone(postponements: readonly Postponement[]): Promise<void> {
    await this.#inner.postpone(this.#sealErrors(postponements));
  }

  async replace(
    message: MessageRef,
    messages: readonly Message[],
    outcome?: RememberedOutcome,
  ): Promise<boolean> {
    const sealed = outcome && this.#sealOutcome(outcome);
    return await this.#inner.replace(message, this.#seal(messages), sealed);
  }

  remove(ids: readonly string[]): Promise<readonly string[]> {
    return this.#inner.remove(ids);
  }

  async list(page: MessagePage): Promise<readonly StoredMessage[]> {
    return this.#open(await this.#inner.list(page));
  }

  async listSentLater(page: SentLaterPage): Promise<readonly StoredMessage[]> {
    return this.#open(await this.#inner.listSentLater(page));
  }

  async park(
    parked: readonly (MessageRef & { readonly error: string })[],
    at: number,
  ): Promise<void> {
    await this.#inner.park(this.#sealErrors(parked), at);
  }

  async listParked(page: MessagePage): Promise<readonly ParkedMessage[]> {
    return this.#open(await this.#inner.listParked(page));
  }

  retryParked(ids: readonly string[], dueAt: number): Promise<readonly string[]> {
    return this.#inner.retryParked(ids, dueAt);
  }

  discardParked(ids: readonly string[]): Promise<readonly string[]> {
    return this.#inner.discardParked(ids);
  }

  #seal(messages: readonly Message[]): readonly Message[] {
    const sealing = this.#sealing();
    return messages.map((message) => sealing.sealMessage(message));
  }

  #sealOutcome({ actor, reply }: RememberedOutcome): RememberedOutcome {
    return { actor, reply: this.#sealing().sealReply(actor, reply) };
  }

  #sealErrors<Item extends MessageRef & { readonly error: string | undefined }>(
    items: readonly Item[],
  ): readonly Item[] {
    const sealing = this.#sealing();
    return items.map((item) => ({ ...item, error: sealing.sealError(item, item.error) }));
  }

  #open<Stored extends StoredMessage>(messages: readonly Stored[]): readonly Stored[] {
    const sealing = this.#sealing();
    return messages.map((message) => sealing.openMessage(message));
  }
}
