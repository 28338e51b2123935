/** What waits to be delivered and what was given up, for those who look after a system. */
import type { ActorId } from "../actor-id.ts";
import { asked } from "../asked-store.ts";
import type { Clock } from "../clock.ts";
import { SpawnError, describeThrown } from "../errors.ts";
import { checkWholeNumber } from "../limits.ts";
import { checkOptionNames } from "../option-names.ts";
import type { MessagePage, ParkedMessage, StoredMessage } from "../message-store.ts";
import type { Statestore } from "../statestore.ts";

/** Which messages to list; `limit` is 100 unless told otherwise, at most 1 000. */
export type MessageQuery = Omit<MessagePage, "limit"> & { readonly limit?: number | undefined };

export interface MessageOperationsParts {
  readonly clock: Clock;
  readonly store: Statestore;
  /** Hears when messages that were stored are due (wall). */
  readonly onStored: (dueAt: number) => void;
}

const LIST_LIMIT = 100;
const LIST_LIMIT_MAX = 1_000;

/** What operators do with messages that wait, and with those that are parked. */
export class MessageOperations {
  readonly #parts: MessageOperationsParts;

  constructor(parts: MessageOperationsParts) {
    this.#parts = parts;
  }

  /** What waits to be delivered, the earliest due first. */
  async list(query: MessageQuery = {}): Promise<readonly StoredMessage[]> {
    return await reached(this.#parts.store.messages.list(pageOf(query)));
  }

  /**
   * Cancels a message, a repeated one for good. Answers whether it was still waiting; then nothing of
   * it is or will be done to any state. One exception: a write-behind actor that has run it already, and
   * is just being written, keeps what it changed.
   */
  async cancel(id: string): Promise<boolean> {
    checkIds([id]);
    return (await reached(this.#parts.store.messages.remove([id]))).length === 1;
  }

  /** What was given up, with the reasons, the first given up first. */
  async listParked(query: MessageQuery = {}): Promise<readonly ParkedMessage[]> {
    return await reached(this.#parts.store.messages.listParked(pageOf(query)));
  }

  /** Delivers parked messages after all; answers the ids of those that were parked. */
  async retry(...ids: readonly string[]): Promise<readonly string[]> {
    checkIds(ids);
    const dueAt = this.#parts.clock.wall();
    const retried = await reached(this.#parts.store.messages.retryParked(ids, dueAt));
    if (retried.length > 0) this.#parts.onStored(dueAt);
    return retried;
  }

  /** Forgets parked messages; answers the ids of those that were parked. */
  async discard(...ids: readonly string[]): Promise<readonly string[]> {
    checkIds(ids);
    return await reached(this.#parts.store.messages.discardParked(ids));
  }
}

function reached<Answer>(answer: Promise<Answer>): Promise<Answer> {
  return asked(answer, "the messages cannot be reached");
}

const QUERY_OPTIONS: readonly string[] = ["source", "target", "after", "limit"];

/** @throws {SpawnError} `INVALID_ARGUMENT`: a misspelt option would list something else */
function pageOf(query: MessageQuery): MessagePage {
  checkOptionNames("messages", query, QUERY_OPTIONS);
  const problem = queryProblem(query);
  if (problem !== undefined)
    throw new SpawnError("INVALID_ARGUMENT", `messages: expected that ${problem}`);
  const { limit = LIST_LIMIT } = query;
  checkWholeNumber("limit", limit, { min: 1, max: LIST_LIMIT_MAX });
  return { ...query, limit };
}

function queryProblem({ source, target, after }: MessageQuery): string | undefined {
  if (!isActorId(source)) return "source is an actor, as ctx.self is";
  if (!isActorId(target)) return "target is an actor, as ctx.self is";
  if (after !== undefined && !(Number.isFinite(after?.at) && typeof after.id === "string"))
    return "after is { at, id }, of the last message of the page before";
  return undefined;
}

/** Whether it is one, or nothing. */
function isActorId(id: unknown): boolean {
  if (id === undefined) return true;
  const { system, definition, name } = Object(id) as ActorId;
  return [system, definition, name].every((part) => typeof part === "string");
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
function checkIds(ids: readonly unknown[]): void {
  for (const id of ids) {
    if (typeof id === "string") continue;
    const got = describeThrown(id);
    throw new SpawnError("INVALID_ARGUMENT", `messages: expected the id of a message, got ${got}`);
  }
}
