/** What an engine does with its statestore as a whole: takes it, and looks through all of it. */
import type { ActorTypes } from "../activations/actor-types.ts";
import { warningsTo } from "../events.ts";
import type { EventListener } from "../events.ts";
import { checkMigrations, typesToCheck } from "./migration-check.ts";
import type { MigrationCheck, MigrationCheckOptions } from "./migration-check.ts";
import type { Statestore } from "../statestore.ts";
import { checkImported } from "../system-rows.ts";

interface StoredSystemParts {
  readonly system: string;
  readonly store: Statestore;
  readonly owner: string;
  readonly cluster: string | undefined;
  readonly emit: EventListener;
}

export class StoredSystem {
  readonly #parts: StoredSystemParts;
  /** Who opens the statestore, for the system or for a check alone, does it when the one before has ended. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Whether it is open for the system. */
  #isOpen = false;

  constructor(parts: StoredSystemParts) {
    this.#parts = parts;
  }

  /** Opens the statestore, for the system to work on. */
  async open(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#open();
      this.#isOpen = true;
    });
  }

  /** @param isOpen whether the system works; otherwise the statestore is opened for this alone */
  async checkMigrations(
    types: ActorTypes,
    options: MigrationCheckOptions,
    isOpen: boolean,
  ): Promise<MigrationCheck> {
    const chosen = typesToCheck(types, options);
    const check = (): Promise<MigrationCheck> =>
      checkMigrations(this.#parts.store, chosen, options);
    if (isOpen) return await check();
    return await this.#inTurn(() => (this.#isOpen ? check() : this.#whileOpen(check)));
  }

  #inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #open(): Promise<void> {
    const { system, store, owner, cluster, emit } = this.#parts;
    await store.open({ owner, system, cluster, onWarning: warningsTo(emit) });
    try {
      await checkImported(system, store);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  async #whileOpen<Answer>(run: () => Promise<Answer>): Promise<Answer> {
    await this.#open();
    try {
      return await run();
    } finally {
      await this.#parts.store.close();
    }
  }
}
