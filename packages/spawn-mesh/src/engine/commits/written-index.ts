/**
 * The index of one actor: what the statestore has of it, and what the next commit must tell it.
 *
 * Entries are made of the state after each action that changed it, where a failure is still the action's.
 * Whether the stored ones are of today's declaration nobody knows before the first commit of an
 * activation, so that one always has them, and others only when they differ.
 */
import type { ActorDefinition } from "../actor-definition.ts";
import { indexEntries, isSameIndex, type IndexEntry } from "../values/index-values.ts";
import type { StateBytes } from "../statestore.ts";

export class WrittenIndex {
  readonly #definition: ActorDefinition;
  /** Of the present state; `undefined` when they were not made yet. */
  #present: readonly IndexEntry[] | undefined;
  #sealed: readonly IndexEntry[] | undefined;
  #stored: readonly IndexEntry[] | undefined;

  /** Nothing for a definition without an index, and the one that was there before if it is still the same. */
  static of(
    definition: ActorDefinition,
    before: WrittenIndex | undefined,
  ): WrittenIndex | undefined {
    const { index, state } = definition;
    if (index === undefined || state === undefined) return undefined;
    const isSame = before !== undefined && before.#definition === definition;
    return isSame ? before : new WrittenIndex(definition);
  }

  private constructor(definition: ActorDefinition) {
    this.#definition = definition;
  }

  /** The state is another one, and nothing is known of what is stored. */
  forget(): void {
    this.#present = this.#sealed = this.#stored = undefined;
  }

  /** Whether entries have to be made, even if the state is still the same. */
  get isUnknown(): boolean {
    return this.#present === undefined;
  }

  /** Takes the entries of the present state. */
  become(entries: readonly IndexEntry[]): void {
    this.#present = entries;
  }

  /** The entries that a commit of the present state must write; `undefined` when they are stored already. */
  seal(bytes: StateBytes | undefined): readonly IndexEntry[] | undefined {
    // What no action has changed: a state with timers that begin, or of a step that failed.
    this.#present ??= this.#madeOf(bytes);
    this.#sealed = this.#present;
    if (this.#present === undefined || this.#stored === undefined) return this.#present;
    return isSameIndex(this.#present, this.#stored) ? undefined : this.#present;
  }

  /** The sealed entries are stored. */
  committed(): void {
    this.#stored = this.#sealed;
  }

  /** The state is the stored one again. */
  rolledBack(): void {
    this.#present = this.#stored;
  }

  /** Nobody is there whose mistake it would be, so entries that cannot be made stay as they are. */
  #madeOf(bytes: StateBytes | undefined): readonly IndexEntry[] | undefined {
    const { state, index } = this.#definition;
    if (bytes === undefined) return undefined;
    try {
      return indexEntries(index!(state!.codec.decode(bytes)));
    } catch {
      return undefined;
    }
  }
}
