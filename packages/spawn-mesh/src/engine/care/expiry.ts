/**
 * Deletes actors whose time is over (`expireAfterMs`): looks at all of them now and then, a bounded number
 * of rows a second, and deletes each as if somebody had called for it, unless it has changed since.
 */
import { everyActor } from "../actor-queries.ts";
import type { FoundActor } from "../actor-queries.ts";
import type { ActorType } from "../activations/actor-type.ts";
import type { Clock, Timer } from "../clock.ts";
import type { EventListener } from "../events.ts";
import { isSpawnError } from "../errors.ts";
import type { Statestore } from "../statestore.ts";
import type { FoundRevision } from "./unchanged-actor.ts";

export interface ExpiryParts {
  readonly system: string;
  readonly store: Statestore;
  readonly clock: Clock;
  readonly emit: EventListener;
  /** The definitions that the system has now. */
  readonly types: () => Iterable<ActorType>;
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
  /** The types of this round; the one that is being looked at, and where. */
  #types: readonly ActorType[] = [];
  #at = 0;
  #after: string | undefined;
  #periodMs = Infinity;
  /** Until the next round. While a round goes on there is none. */
  #pause: Timer | undefined;
  #part: Timer | undefined;
  #isStopped = false;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
  }

  /** Begins, if any of the types has actors that expire; again when there are others. */
  follow(): void {
    const isInRound = this.#types.length > 0;
    const periodMs = periodOf(this.#expiring());
    if (isInRound || periodMs >= this.#periodMs) return;
    this.#rest();
  }

  stop(): void {
    this.#isStopped = true;
    this.#pause?.cancel();
    this.#part?.cancel();
  }

  #expiring(): readonly ActorType[] {
    const types = [...this.#parts.types()];
    return types.filter(({ definition }) => definition.expireAfterMs !== undefined);
  }

  /** Until the next round, or until there is something that expires. */
  #rest(): void {
    this.#types = [];
    this.#after = undefined;
    this.#periodMs = periodOf(this.#expiring());
    this.#pause?.cancel();
    if (this.#isStopped || this.#periodMs === Infinity) return;
    this.#pause = this.#parts.clock.timer(this.#periodMs, () => this.#begin());
  }

  #begin(): void {
    this.#types = this.#expiring();
    this.#at = 0;
    if (this.#types.length === 0) this.#rest();
    else void this.#look();
  }

  async #look(): Promise<void> {
    const { store, system, clock, emit } = this.#parts;
    const type = this.#types[this.#at]!;
    const { name, expireAfterMs } = type.definition;
    // It was forgotten meanwhile, or lets its actors live.
    if (type.isRetired || expireAfterMs === undefined) return this.#goOn(undefined);
    try {
      const part = { after: this.#after, limit: DELETES_MAX, looksMax: LOOKS_MAX };
      const { actors, after } = await store.queries.list({
        ...everyActor({ system, definition: name, ...part }),
        changedBefore: clock.wall() - expireAfterMs,
      });
      for (let first = 0; first < actors.length; first += DELETES_AT_ONCE) {
        if (this.#isStopped || type.isRetired) break;
        const some = actors.slice(first, first + DELETES_AT_ONCE);
        await Promise.all(some.map((actor) => this.#expire(type, actor)));
      }
      this.#goOn(after);
    } catch (cause) {
      // Its turn comes again in the next round; the others have theirs in this one.
      emit({ type: "store-failed", operation: "expire", cause });
      this.#goOn(undefined);
    }
  }

  /** Goes on behind what was looked at; without that with the next type, or the next round. */
  #goOn(after: string | undefined): void {
    if (this.#isStopped) return;
    this.#after = after;
    if (after === undefined) this.#at++;
    if (this.#at === this.#types.length) return this.#rest();
    this.#part = this.#parts.clock.timer(PART_MS, () => void this.#look());
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

/** How long it rests between two rounds; for ever when nothing expires. */
function periodOf(types: readonly ActorType[]): number {
  if (types.length === 0) return Infinity;
  const lifeMs = Math.min(...types.map(({ definition }) => definition.expireAfterMs ?? Infinity));
  return Math.min(PERIOD_MS_MAX, Math.max(PERIOD_MS_MIN, lifeMs / LOOKS_A_LIFE));
}
