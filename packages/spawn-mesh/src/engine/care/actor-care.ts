/** Looking after the stored actors of a system: finding them, indexing them anew, deleting those whose time is over. */
import type { ActorDefinition } from "../actor-definition.ts";
import { ActorFinder } from "./actor-finder.ts";
import type { ActorType } from "../activations/actor-type.ts";
import type { ActorTypes } from "../activations/actor-types.ts";
import type { Clock } from "../clock.ts";
import type { Engine } from "../engine.ts";
import type { EventListener } from "../events.ts";
import { Expiry } from "./expiry.ts";
import { reindex } from "./reindexing.ts";
import type { Reindexing, ReindexOptions } from "./reindexing.ts";
import type { Statestore } from "../statestore.ts";
import { deleteUnchanged } from "./unchanged-actor.ts";
import type { FoundRevision } from "./unchanged-actor.ts";

export interface ActorCareParts {
  readonly engine: Engine;
  readonly store: Statestore;
  readonly clock: Clock;
  readonly emit: EventListener;
  /** The definitions of the system; they are there when it starts. */
  readonly types: () => ActorTypes;
}

export class ActorCare {
  readonly finder: ActorFinder;
  readonly #parts: ActorCareParts;
  readonly #expiry: Expiry;

  constructor(parts: ActorCareParts) {
    const { engine, store, clock, emit, types } = parts;
    const { system } = engine;
    this.#parts = parts;
    this.finder = new ActorFinder({
      system,
      store,
      isActive: (definition, name) => types().isLive(definition, name),
    });
    this.#expiry = new Expiry({
      system,
      store,
      clock,
      emit,
      types: () => types().all,
      deleteUnchanged: (found) => this.deleteUnchanged(found),
    });
  }

  /** Begins; again when there are other definitions. */
  start(): void {
    this.#expiry.follow();
  }

  stop(): void {
    this.#expiry.stop();
  }

  /** Deletes an actor; answers `false` if it has changed since it was found. */
  deleteUnchanged(found: FoundRevision): Promise<boolean> {
    return deleteUnchanged(this.#parts.engine, found);
  }

  /** Makes the entries of the indexes of all actors of a type anew. */
  async reindex({ definition }: ActorType, options: ReindexOptions): Promise<Reindexing> {
    const { engine, store, types } = this.#parts;
    engine.checkAccepting();
    const definitionNow = (): ActorDefinition => types().get(definition.name).definition;
    return await reindex({ system: engine.system, store, definitionNow }, options);
  }
}
