/**
 * Deletes actors whose time is over (`expireAfterMs`): looks at all of them now and then, a bounded number
 * of rows a second, and deletes each as if somebody had called for it, unless it has changed since.
 */
import { everyActor } from "./actor-queries.ts";
import type { FoundActor } from "./actor-queries.ts";
import type { ActorType } from "./actor-type.ts";
import type { Clock, Timer } from "./clock.ts";
import type { EventListener } from "./events.ts";
import { isSpawnError } from "./errors.ts";
import type { Statestore } from "./statestore.ts";
import type { FoundRevision } from "./unchanged-actor.ts";

export interface ExpiryParts {
  readonly system: string;
  readonly store: Statestore;
  readonly clock: Clock;
  readonly emit: EventListener;
  /** Deletes an actor unless it has changed; answers whether it did. */
  readonly deleteUnchanged: (found: FoundRevision) => Promise<boolean>;
}

/** The time that actors live is so many times as long as that between two looks, within these bounds. */
const LOOKS_A_LIFE = 100;
const PERIOD_MS_MIN = 60_000;
const PERIOD_MS_MAX = 60 * 60_000;
/** How soon it goes on while it has not seen all of them. */
const PART_MS = 1_000;
/** Rows that a part looks at. */
const LOOKS_MAX = 1_000;
/** Actors that a part deletes, a few at a time. */
const DELETES_MAX = 200;
const DELETES_AT_ONCE = 10;

export class Expiry {
  readonly #parts: ExpiryParts;
  #types: readonly ActorType[] = [];
  #periodMs = PERIOD_MS_MAX;
  /** The type that is being looked at, and where. */
  #at = 0;
  #after: string | undefined;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
  }

  /** Begins, if any of the types has actors that expire. */
  start(types: Iterable<ActorType>): void {
    this.#types = [...types].filter(({ definition }) => definition.expireAfterMs !== undefined);
    if (this.#types.length === 0) return;
    const livesMs = this.#types.map(({ definition }) => definition.expireAfterMs!);
    const periodMs = Math.max(PERIOD_MS_MIN, Math.min(...livesMs) / LOOKS_A_LIFE);
    this.#periodMs = Math.min(PERIOD_MS_MAX, periodMs);
    this.#goOnIn(this.#periodMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #goOnIn(delayMs: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#parts.clock.timer(delayMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { store, system, clock, emit } = this.#parts;
    const type = this.#types[this.#at]!;
    const { name, expireAfterMs = Infinity } = type.definition;
    try {
      const part = { after: this.#after, limit: DELETES_MAX, looksMax: LOOKS_MAX };
      const { actors, after } = await store.queries.list({
        ...everyActor({ system, definition: name, ...part }),
        changedBefore: clock.wall() - expireAfterMs,
      });
      for (let first = 0; first < actors.length && !this.#isStopped; first += DELETES_AT_ONCE) {
        const some = actors.slice(first, first + DELETES_AT_ONCE);
        await Promise.all(some.map((actor) => this.#expire(type, actor)));
      }
      this.#after = after;
    } catch (cause) {
      emit({ type: "store-failed", operation: "expire", cause });
      return this.#goOnIn(this.#periodMs);
    }
    if (this.#after === undefined) this.#at = (this.#at + 1) % this.#types.length;
    const isOver = this.#after === undefined && this.#at === 0;
    this.#goOnIn(isOver ? this.#periodMs : PART_MS);
  }

  async #expire(type: ActorType, { name, revision }: FoundActor): Promise<void> {
    const actor = { system: this.#parts.system, definition: type.definition.name, name };
    try {
      if (!(await this.#parts.deleteUnchanged({ type, name, revision }))) return;
      this.#parts.emit({ type: "expired", actor });
    } catch (error) {
      if (this.#isStopped || !isSpawnError(error)) return;
      this.#parts.emit({ type: "async-failed", actor, action: "expire", error });
    }
  }
}
