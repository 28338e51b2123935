/** Finding actors and acting on many, with the types of their definitions. */
import { SpawnError, actOnMany } from "../engine/index.ts";
import type {
  ActorDefinition,
  ActorFilter,
  ActorKind,
  ActorList,
  ActorQuery,
  ActorType,
  Engine,
  IndexedValue,
  ListedActor,
  ManyOptions,
  ManyResult,
  Reindexing,
  ReindexOptions,
} from "../engine/index.ts";
import { checkWorkOptions } from "../engine/option-names.ts";
import type { ActorOf, AnyActor } from "./actor.ts";
import type { ActorRef } from "./actor-ref.ts";

/** What the fields of an index may be. */
export type IndexFields<Index> = Readonly<Record<keyof Index, IndexedValue | null | undefined>>;
/** The index of a definition that has none. */
export type NoIndex = Readonly<Record<never, never>>;

/** From one value up to, and without, another; one of them may be left out. */
interface Range<Value> {
  readonly from?: Value;
  readonly below?: Value;
}
type RangeOf<Value> = Value extends string
  ? Range<string>
  : Value extends number
    ? Range<number>
    : never;

/** Values and ranges of the fields of an index, all of which must hold. */
export type Where<Index> = keyof Index extends never
  ? { readonly "~problem": "the definition declares no index" }
  : {
      readonly [Field in keyof Index]?: NonNullable<Index[Field]> | RangeOf<Index[Field]>;
    };

/** Which actors of a definition are meant. All that is given must hold. */
export type FilterOf<Index> = Omit<ActorFilter, "where"> & { readonly where?: Where<Index> };

/** What goes with the values to find by. */
export type FindOptions = Omit<ActorQuery, "definition" | "where" | "status">;

/** An actor that was found, with a reference to it. */
export interface FoundRef<State, ActionsOf> extends ListedActor {
  readonly ref: ActorRef<State, ActionsOf>;
}

/** Which actors to act on, and how. */
export type ForEachOptions<Index> = FilterOf<Index> & ManyOptions;

/** Which actors to delete, and how. */
export type PurgeOptions<Index> = ForEachOptions<Index> & {
  /** Counts those that would be deleted, as `found` and `skipped`, and deletes none. Default `false`. */
  readonly dryRun?: boolean | undefined;
};

/** The actors of a system that are stored: list them, act on them, delete them. */
export interface Actors {
  /** A page of them, in an order of the statestore's own. @throws {SpawnError} `INVALID_ARGUMENT`, `STATESTORE_UNAVAILABLE` */
  list(query?: ActorQuery): Promise<ActorList>;
  /**
   * All of a definition that are meant, page by page as they are wanted. One that comes into being meanwhile may be
   * missed.
   *
   * @throws {SpawnError} as {@link Actors.list}
   */
  all<State, ActionsOf, Kind extends ActorKind, Index>(
    definition: ActorOf<State, ActionsOf, Kind, Index>,
    filter?: FilterOf<Index>,
  ): AsyncIterable<FoundRef<State, ActionsOf>>;
  /**
   * Does something with each of them, some at a time, and counts: for example calls an action. One that fails
   * does not end it.
   *
   * @throws {SpawnError} as {@link Actors.list}, and the reason of the signal; what was done stays
   */
  forEach<State, ActionsOf, Kind extends ActorKind, Index>(
    definition: ActorOf<State, ActionsOf, Kind, Index>,
    act: (ref: ActorRef<State, ActionsOf>, actor: ListedActor) => unknown,
    options?: ForEachOptions<Index>,
  ): Promise<ManyResult>;
  /**
   * Deletes each of them with all that is stored of it, unless it has changed since it was found; `ok` counts
   * those that were deleted. `{}` means all of them.
   *
   * @throws {SpawnError} as {@link Actors.forEach}
   */
  purge<State, ActionsOf, Kind extends ActorKind, Index>(
    definition: ActorOf<State, ActionsOf, Kind, Index>,
    options: PurgeOptions<Index>,
  ): Promise<ManyResult>;
}

export interface SystemActorsParts {
  readonly engine: Engine;
  /** The type of a definition of the system. @throws {SpawnError} `ACTOR_NOT_FOUND` */
  readonly typeOf: (defined: AnyActor) => ActorType;
  readonly refer: (defined: AnyActor, name: string) => object;
}

export class SystemActors implements Actors {
  readonly #parts: SystemActorsParts;

  constructor(parts: SystemActorsParts) {
    this.#parts = parts;
  }

  list(query?: ActorQuery): Promise<ActorList> {
    return this.#parts.engine.care.finder.list(query);
  }

  async find(defined: AnyActor, where: object, options: object = {}): Promise<ActorList> {
    return await this.list(findQuery(this.#parts.typeOf(defined).definition, where, options));
  }

  async *all<State, ActionsOf, Kind extends ActorKind, Index>(
    defined: ActorOf<State, ActionsOf, Kind, Index>,
    filter?: FilterOf<Index>,
  ): AsyncGenerator<FoundRef<State, ActionsOf>, void, undefined> {
    for await (const actor of this.#found(defined, filter)) {
      yield { ...actor, ref: this.#ref(defined, actor) };
    }
  }

  async forEach<State, ActionsOf, Kind extends ActorKind, Index>(
    defined: ActorOf<State, ActionsOf, Kind, Index>,
    act: (ref: ActorRef<State, ActionsOf>, actor: ListedActor) => unknown,
    options: ForEachOptions<Index> = {},
  ): Promise<ManyResult> {
    checkWorkOptions("forEach", options, EACH_OPTIONS);
    if (typeof act !== "function") {
      throw new SpawnError("INVALID_ARGUMENT", `forEach: expected a function, got ${typeof act}`);
    }
    const [filter, many] = parted(options);
    const one = async (actor: ListedActor): Promise<void> => {
      await act(this.#ref(defined, actor), actor);
    };
    return await actOnMany(this.#found(defined, filter), one, many);
  }

  async purge<State, ActionsOf, Kind extends ActorKind, Index>(
    defined: ActorOf<State, ActionsOf, Kind, Index>,
    options: PurgeOptions<Index>,
  ): Promise<ManyResult> {
    const { dryRun = false, ...acting } = checkedPurge(options);
    const [filter, many] = parted(acting);
    const type = this.#parts.typeOf(defined);
    const { care } = this.#parts.engine;
    const one = async ({ name, revision }: ListedActor): Promise<boolean> =>
      !dryRun && (await care.deleteUnchanged({ type, name, revision }));
    return await actOnMany(this.#found(defined, filter), one, many);
  }

  async reindex(defined: AnyActor, options: ReindexOptions): Promise<Reindexing> {
    return await this.#parts.engine.care.reindex(this.#parts.typeOf(defined), options);
  }

  #found(defined: AnyActor, filter: object = {}): AsyncGenerator<ListedActor, void, undefined> {
    this.#parts.typeOf(defined);
    return this.#parts.engine.care.finder.all({ ...filter, definition: defined.name });
  }

  #ref<State, ActionsOf>(defined: AnyActor, { name }: ListedActor): ActorRef<State, ActionsOf> {
    return this.#parts.refer(defined, name) as ActorRef<State, ActionsOf>;
  }
}

/** What is asked to find actors by their index. @throws {SpawnError} `INVALID_ARGUMENT` */
export function findQuery(
  { name, index }: ActorDefinition,
  where: object,
  options: object = {},
): ActorQuery {
  const what = `find ${name}`;
  if (index === undefined) {
    throw new SpawnError("INVALID_ARGUMENT", `${what}: it declares no index to find by`);
  }
  if (Object.keys(Object(where)).length === 0) {
    throw new SpawnError("INVALID_ARGUMENT", `${what}: expected a value of at least one field`);
  }
  return { ...options, where: where as never, definition: name };
}

/**
 * What says nothing would mean all of them.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
function checkedPurge<Options extends object>(options: Options): Options {
  if (typeof options !== "object" || options === null) {
    throw new SpawnError("INVALID_ARGUMENT", "purge: expected which actors, or {} for all of them");
  }
  checkWorkOptions("purge", options, [...EACH_OPTIONS, "dryRun"]);
  for (const [option, value] of Object.entries(options)) {
    const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
    if (!(FILTERS.includes(option) && (value === undefined || isEmpty))) continue;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `purge: ${option} says nothing, and all would be deleted; expected something to go by, or no ${option}`,
    );
  }
  return options;
}

const FILTERS: readonly string[] = ["where", "tags", "changedAfter", "changedBefore"];
const EACH_OPTIONS = [...FILTERS, "concurrency", "limit", "onProgress", "signal"];

/** What says which actors, and what says how. */
function parted(options: ManyOptions): readonly [filter: object, many: ManyOptions] {
  const { concurrency, limit, onProgress, signal, ...filter } = options;
  return [filter, { concurrency, limit, onProgress, signal }];
}
