/**
 * PORT: finding actors by what is kept in clear of them.
 *
 * There are two ways through a statestore: along its actors, or along one field of a declared index,
 * in the order of its values. Both go in parts that look at a bounded number of rows, so that no
 * question, however rare its answers are, keeps a statestore busy for long.
 */
import type { ActorId } from "./actor-id.ts";
import type { IndexEntry, IndexKey } from "./index-values.ts";
import type { Etag, Tags } from "./statestore.ts";

/** What a field of the index must be: one value, or from one value up to, and without, another. */
export type IndexCondition =
  | { readonly field: string; readonly equals: IndexKey }
  | { readonly field: string; readonly from: IndexKey; readonly below: IndexKey };

/** The condition along which to go when there are several: one value, else the first. */
export function leadOf(where: readonly IndexCondition[]): IndexCondition | undefined {
  return where.find((condition) => "equals" in condition) ?? where[0];
}

/** A part of the actors of a system. */
export interface ActorPage {
  readonly system: string;
  /** Only actors of this definition; needed when there are conditions. */
  readonly definition: string | undefined;
  /** All of them must hold. */
  readonly where: readonly IndexCondition[];
  /** Tags that they must have, with these values. */
  readonly tags: Tags | undefined;
  /** Whether to find those that were deleted, instead of those that have a state. */
  readonly isDeleted: boolean;
  /** Only those whose last commit was later. */
  readonly changedAfter: number | undefined;
  /** Only those whose last commit was earlier. */
  readonly changedBefore: number | undefined;
  /** Where the part before ended. */
  readonly after: string | undefined;
  /** The most actors to answer. */
  readonly limit: number;
  /** About how many rows to look at. */
  readonly looksMax: number;
  /** Whether to tell how large the states are, for which some databases have to read them. Default `false`. */
  readonly withSizes?: boolean;
}

/** The question about all actors of a definition that have a state. */
export function everyActor(
  of: Pick<ActorPage, "system" | "after" | "limit" | "looksMax"> & { readonly definition: string },
): ActorPage {
  const times = { changedAfter: undefined, changedBefore: undefined };
  return { ...of, ...times, where: [], tags: undefined, isDeleted: false };
}

/** What is known of an actor without its state. */
export interface FoundActor {
  readonly definition: string;
  readonly name: string;
  readonly isDeleted: boolean;
  readonly revision: number;
  /** When its last commit was made. */
  readonly changedAt: number;
  readonly tags: Tags | undefined;
  /** How many bytes its state has as it is stored, if that was asked for. */
  readonly stateBytes?: number;
}

/** There may be fewer than asked for, even none, although there are more later. */
export interface FoundActors {
  readonly actors: readonly FoundActor[];
  /** Where to go on; `undefined` when there are no more. */
  readonly after: string | undefined;
}

/** The entries that an actor should have, made of the state that it had at a commit. */
export interface IndexRewrite {
  readonly actor: ActorId;
  readonly etag: Etag;
  readonly index: readonly IndexEntry[];
}

/** Fails as the statestore does. */
export interface ActorQueries {
  /**
   * Some of the actors that a question is about, in an order that is always the same: along the first
   * condition for one value, else in the order of the values of the first condition, else of the
   * store's own. Who is there all the time is found once.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` when `after` is none that it answered
   */
  list(page: ActorPage): Promise<FoundActors>;

  /**
   * Replaces entries, of each actor for itself, if its etag still is the one that is given, which
   * stays as it is; answers how many actors that were.
   */
  reindex(rewrites: readonly IndexRewrite[]): Promise<number>;
}
