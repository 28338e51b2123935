import type { Statestore } from "../../engine/statestore.ts";

/**
 * Opens the statestore under test for a session of `owner` that has the keys `keyIds`. Every call within one case reaches the
 * same data, empty at the first call. A case closes what it opened before it opens again.
 */
export type OpenStatestore = (owner: string, keyIds?: readonly string[]) => Promise<Statestore>;

/** One sentence of a port's contract, and how to see whether it holds. */
export interface ConformanceCase {
  /** The sentence. */
  readonly name: string;
  /** Resolves when it holds, throws an `AssertionError` when it does not. */
  readonly run: (open: OpenStatestore) => Promise<void>;
}
