/**
 * Sources that may have stored messages which are not on their way from this process. What they send is
 * left to the statestore, which has all of it and hands it out in order, until it has none left.
 */
import { actorKey } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import type { Clock, Timer } from "../clock.ts";
import type { EventListener } from "../events.ts";
import { isSpawnError } from "../errors.ts";
import type { Statestore, StoreAnswer, StoreQuery } from "../statestore.ts";

/** How soon the statestore is asked again whether a source has messages left. */
const ASK_PERIOD_MS = 1_000;
/** Sources in one such question. */
const ASK_ROWS_MAX = 128;

interface SourceBehind {
  readonly id: ActorId;
  /** The last revision whose messages were left to the statestore. */
  revision: number;
  /** Whether messages were left to the statestore since it was asked. */
  hasLeft: boolean;
}

export class SourcesBehind {
  readonly #parts: {
    readonly store: Statestore;
    readonly clock: Clock;
    readonly emit: EventListener;
  };
  readonly #sources = new Map<string, SourceBehind>();
  #timer: Timer | undefined;
  #isAsking = false;

  constructor(parts: {
    readonly store: Statestore;
    readonly clock: Clock;
    readonly emit: EventListener;
  }) {
    this.#parts = parts;
  }

  has(source: ActorId): boolean {
    return this.#find(source) !== undefined;
  }

  /**
   * From now on the source is behind.
   *
   * @param revision the one whose messages are left to the statestore because of that
   */
  add(id: ActorId, revision = 0): void {
    const key = actorKey(id);
    const behind = this.#sources.get(key);
    if (behind === undefined) this.#sources.set(key, { id, revision, hasLeft: true });
    else behind.revision = Math.max(behind.revision, revision);
    this.#askSoon();
  }

  /** Whether a message that was committed is left to the statestore, because its source is behind. */
  leaves(source: ActorId): boolean {
    const behind = this.#find(source);
    if (behind !== undefined) behind.hasLeft = true;
    return behind !== undefined;
  }

  /** Asked of every message, and hardly ever is any source behind: then no key has to be made. */
  #find(source: ActorId): SourceBehind | undefined {
    return this.#sources.size === 0 ? undefined : this.#sources.get(actorKey(source));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#sources.clear();
  }

  #askSoon(): void {
    if (this.#timer !== undefined || this.#isAsking || this.#sources.size === 0) return;
    this.#timer = this.#parts.clock.timer(ASK_PERIOD_MS, () => {
      this.#timer = undefined;
      this.#isAsking = true;
      void this.#ask().finally(() => {
        this.#isAsking = false;
        this.#askSoon();
      });
    });
  }

  /**
   * Sources that have no messages left are behind no longer. An answer counts only if it can have seen
   * all that was left to the statestore: nothing was meanwhile, and the last commit is in it.
   */
  async #ask(): Promise<void> {
    const asked = [...this.#sources].slice(0, ASK_ROWS_MAX);
    for (const [, behind] of asked) behind.hasLeft = false;
    const queries = asked.map(([, { id }]) => ({ actor: id, row: true, keys: [], messages: [] }));
    const answers = await this.#load(queries);
    for (const [index, [key, behind]] of asked.entries()) {
      if (!this.#sources.delete(key)) continue;
      const answer = answers[index];
      const { unsent = 0, revision = 0 } = answer?.row ?? {};
      const isDone = !behind.hasLeft && unsent === 0 && revision >= behind.revision;
      // Those that are not go to the end, so that all have their turn.
      if (answer === undefined || !isDone) this.#sources.set(key, behind);
    }
  }

  /** Nothing is learnt from a row that cannot be read, and it must not take the others with it. */
  async #load(queries: readonly StoreQuery[]): Promise<readonly (StoreAnswer | undefined)[]> {
    const { store, emit } = this.#parts;
    try {
      return await store.load(queries);
    } catch (cause) {
      emit({ type: "store-failed", operation: "messages", cause });
      const answers: (StoreAnswer | undefined)[] = [];
      if (!isSpawnError(cause) || queries.length === 1) return answers;
      for (const query of queries) answers.push((await this.#load([query]))[0]);
      return answers;
    }
  }
}
