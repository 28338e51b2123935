import type {
  Message,
  MessageClaim,
  MessagePage,
  MessageStore,
  ParkedMessage,
  Postponement,
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

  async replace(id: string, messages: readonly Message[]): Promise<boolean> {
    return await this.#inner.replace(id, this.#seal(messages));
  }

  remove(ids: readonly string[]): Promise<readonly string[]> {
    return this.#inner.remove(ids);
  }

  async list(page: MessagePage): Promise<readonly StoredMessage[]> {
    return this.#open(await this.#inner.list(page));
  }

  async park(
    parked: readonly { readonly id: string; readonly error: string }[],
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

  #sealErrors<Item extends { readonly id: string; readonly error: string | undefined }>(
    items: readonly Item[],
  ): readonly Item[] {
    const sealing = this.#sealing();
    return items.map((item) => ({ ...item, error: sealing.sealError(item.id, item.error) }));
  }

  #open<Stored extends StoredMessage>(messages: readonly Stored[]): readonly Stored[] {
    const sealing = this.#sealing();
    return messages.map((message) => sealing.openMessage(message));
  }
}
