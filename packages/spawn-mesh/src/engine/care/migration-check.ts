/**
 * Whether this program can read what is stored: every present state is decoded and migrated as an
 * activation would do it, and nothing is written. Kept revisions are not looked at.
 */
import type { StateDefinition } from "../actor-definition.ts";
import type { ActorId } from "../actor-id.ts";
import { everyActor } from "../actor-queries.ts";
import type { ActorType } from "../activations/actor-type.ts";
import type { ActorTypes } from "../activations/actor-types.ts";
import { describeThrown, isSpawnError, SpawnError } from "../errors.ts";
import { checkWorkOptions } from "../option-names.ts";
import type { Statestore, StoredActor } from "../statestore.ts";
import { statesInTurn } from "./states-in-turn.ts";
import { decodeStored } from "../activations/stored-state.ts";

const OPTION_NAMES = ["definitions", "onProgress", "signal"] as const;
/** How many failures are told one by one. */
const FAILURES_MAX = 100;
const PART_ROWS = 50;
/** Rows that the statestore looks at for them, of all definitions. */
const LOOKS_MAX = 1_000;

/** What the stored states of one definition are like. */
export interface CheckedDefinition {
  readonly definition: string;
  /** The version that this program stores. */
  readonly version: number;
  /** How many states there are of each stored version, those that failed too. */
  readonly versions: Readonly<Record<number, number>>;
}

/** A state that this program cannot read. */
export interface MigrationFailure {
  readonly actor: ActorId;
  /** The stored version; `undefined` when the row itself is damaged. */
  readonly version: number | undefined;
  readonly reason: string;
}

/** Whether the stored states can be read by the definitions of today. */
export interface MigrationCheck {
  readonly definitions: readonly CheckedDefinition[];
  /** How many states were looked at. */
  readonly seen: number;
  /** How many of them cannot be read. */
  readonly failed: number;
  /** The first 100 of them. */
  readonly failures: readonly MigrationFailure[];
}

/** Which states are looked at, and who hears how far it has come. */
export interface MigrationCheckOptions {
  /** Only these definitions. Default: all that the system has. */
  readonly definitions?: readonly string[] | undefined;
  /** Called after every part, which has at most 50 actors. */
  readonly onProgress?: ((progress: Pick<MigrationCheck, "seen" | "failed">) => void) | undefined;
  /** Ends it early; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** @throws {SpawnError} `STATESTORE_UNAVAILABLE` */
export async function checkMigrations(
  store: Statestore,
  types: readonly ActorType[],
  options: MigrationCheckOptions,
): Promise<MigrationCheck> {
  const check = new Check(store, options);
  try {
    for (const type of types) await check.definition(type);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (isSpawnError(error)) throw error;
    const message = `the states cannot be checked: ${describeThrown(error)}`;
    throw new SpawnError("STATESTORE_UNAVAILABLE", message, { cause: error });
  }
  return check.result;
}

/**
 * The types with a state that are meant.
 *
 * @throws {SpawnError} `ACTOR_NOT_FOUND`, `INVALID_ARGUMENT` for a definition that has no state
 */
export function typesToCheck(
  types: ActorTypes,
  options: MigrationCheckOptions,
): readonly ActorType[] {
  checkWorkOptions("checkMigrations", options, OPTION_NAMES);
  const { definitions } = options;
  if (definitions === undefined) {
    return [...types.all].filter(({ definition }) => definition.state !== undefined);
  }
  if (!Array.isArray(definitions)) {
    const got = typeof definitions;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `definitions of checkMigrations: expected an array of names, got ${got}`,
    );
  }
  return definitions.map((name: string) => {
    const type = types.get(name);
    if (type.definition.state !== undefined) return type;
    throw new SpawnError("INVALID_ARGUMENT", `${name} has no state that could be checked`);
  });
}

class Check {
  readonly #store: Statestore;
  readonly #options: MigrationCheckOptions;
  readonly #definitions: CheckedDefinition[] = [];
  readonly #failures: MigrationFailure[] = [];
  #seen = 0;
  #failed = 0;

  constructor(store: Statestore, options: MigrationCheckOptions) {
    this.#store = store;
    this.#options = options;
  }

  get result(): MigrationCheck {
    const [definitions, failures] = [this.#definitions, this.#failures];
    return { definitions, seen: this.#seen, failed: this.#failed, failures };
  }

  async definition({ definition, parts: { system } }: ActorType): Promise<void> {
    const { name, state } = definition;
    const versions: Record<number, number> = {};
    let after: string | undefined;
    do {
      const part = { after, limit: PART_ROWS, looksMax: LOOKS_MAX };
      const page = await this.#store.queries.list({
        ...everyActor({ system, definition: name, ...part }),
        withSizes: true,
      });
      for await (const { actor, row } of statesInTurn(this.#store, system, page.actors)) {
        this.#look(actor, row, { state: state!, versions });
      }
      const [seen, failed] = [this.#seen, this.#failed];
      this.#options.onProgress?.({ seen, failed });
      this.#options.signal?.throwIfAborted();
      after = page.after;
    } while (after !== undefined);
    this.#definitions.push({ definition: name, version: state!.version, versions });
  }

  #look(
    actor: ActorId,
    row: StoredActor | SpawnError | undefined,
    { state, versions }: { state: StateDefinition; versions: Record<number, number> },
  ): void {
    if (isSpawnError(row)) return this.#fail(actor, undefined, row);
    // It was deleted meanwhile.
    if (row === undefined || row.isDeleted) return;
    versions[row.stateVersion] = (versions[row.stateVersion] ?? 0) + 1;
    try {
      readAsActivation(state, row);
      this.#seen++;
    } catch (error) {
      this.#fail(actor, row.stateVersion, error);
    }
  }

  #fail(actor: ActorId, version: number | undefined, error: unknown): void {
    this.#seen++;
    this.#failed++;
    if (this.#failures.length === FAILURES_MAX) return;
    this.#failures.push({ actor, version, reason: describeThrown(error) });
  }
}

/** A migrated state has to be one that can be stored, too. */
function readAsActivation(definition: StateDefinition, row: StoredActor): void {
  const state = decodeStored(definition, row);
  if (row.stateVersion !== definition.version) definition.codec.encode(state);
}
