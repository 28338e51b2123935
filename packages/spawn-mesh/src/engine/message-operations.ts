/** What waits to be delivered and what was given up, for those who look after a system. */
import { SpawnError, describeThrown, isSpawnError } from "./errors.ts";
import { checkWholeNumber } from "./limits.ts";
import type { Message, MessagePage, ParkedMessage, StoredMessage } from "./message-store.ts";
import { writeOnce } from "./repeated-write.ts";
import type { RepeatedWriteParts } from "./repeated-write.ts";
import { StoreFailure } from "./statestore.ts";
import type { Statestore } from "./statestore.ts";

/** Which messages to list; `limit` is 100 unless told otherwise, at most 1 000. */
export type MessageQuery = Omit<MessagePage, "limit"> & { readonly limit?: number };

export interface MessageOperationsParts extends RepeatedWriteParts {
  readonly store: Statestore;
  /** Hears when messages that were stored are due (wall). */
  readonly onStored: (dueAt: number) => void;
}

const LIST_LIMIT = 100;
const LIST_LIMIT_MAX = 1_000;

export class MessageOperations {
  readonly #parts: MessageOperationsParts;

  constructor(parts: MessageOperationsParts) {
    this.#parts = parts;
  }

  /**
   * Stores messages that no commit sends.
   *
   * @throws {SpawnError} `STATESTORE_UNAVAILABLE`, or `UNKNOWN_OUTCOME` when they may have been stored
   */
  async send(messages: readonly Message[]): Promise<void> {
    await writeOnce(this.#parts, () => this.#parts.store.messages.send(messages));
    for (const { dueAt } of messages) this.#parts.onStored(dueAt);
  }

  /** What waits to be delivered, the earliest due first. */
  async list(query: MessageQuery = {}): Promise<readonly StoredMessage[]> {
    return await asked(this.#parts.store.messages.list(pageOf(query)));
  }

  /**
   * Cancels a message, a repeated one for good. Answers whether it was still waiting; then nothing of
   * it is or will be done to any state. One exception: a write-behind actor that has run it already, and
   * is just being written, keeps what it changed.
   */
  async cancel(id: string): Promise<boolean> {
    return (await asked(this.#parts.store.messages.remove([id]))).length === 1;
  }

  /** What was given up, with the reasons, the first given up first. */
  async listParked(query: MessageQuery = {}): Promise<readonly ParkedMessage[]> {
    return await asked(this.#parts.store.messages.listParked(pageOf(query)));
  }

  /** Delivers parked messages after all; answers the ids of those that were parked. */
  async retry(...ids: readonly string[]): Promise<readonly string[]> {
    const dueAt = this.#parts.clock.wall();
    const retried = await asked(this.#parts.store.messages.retryParked(ids, dueAt));
    if (retried.length > 0) this.#parts.onStored(dueAt);
    return retried;
  }

  /** Forgets parked messages; answers the ids of those that were parked. */
  async discard(...ids: readonly string[]): Promise<readonly string[]> {
    return await asked(this.#parts.store.messages.discardParked(ids));
  }
}

function pageOf(query: MessageQuery): MessagePage {
  const { limit = LIST_LIMIT } = query;
  checkWholeNumber("limit", limit, { min: 1, max: LIST_LIMIT_MAX });
  return { ...query, limit };
}

/** What the statestore answers; its failures as errors of the platform. Not repeated: the answer would be another. */
async function asked<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (isSpawnError(error)) throw error;
    const what = `the messages cannot be reached: ${describeThrown(error)}`;
    const isUnknown = error instanceof StoreFailure && error.kind === "ambiguous";
    throw isUnknown
      ? new SpawnError("UNKNOWN_OUTCOME", what, { applied: "unknown", cause: error })
      : new SpawnError("STATESTORE_UNAVAILABLE", what, { cause: error });
  }
}
