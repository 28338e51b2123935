/**
 * The state of an activation as its actions see it: an object made of the bytes of the last
 * successful action, and made anew whenever an action has failed and left it in doubt.
 *
 * With `isStrict` every action gets a fresh one, and the one before is compared with its bytes: code
 * that goes on changing a state after its action has returned is found out.
 */
import type { ActorDefinition } from "./actor-definition.ts";
import { SpawnError } from "./errors.ts";
import type { StateCodec } from "./state-codec.ts";
import type { StateBytes } from "./statestore.ts";

export class LiveState {
  readonly #codec: StateCodec | undefined;
  readonly #isStrict: boolean;
  #value: unknown;
  #isCurrent = false;
  /** Whether the value was assigned by an action, and so may be one that it shares. */
  #isBorrowed = false;

  constructor({ state, isStrict }: ActorDefinition) {
    this.#codec = state?.codec;
    this.#isStrict = isStrict;
  }

  /** The state, decoded from `bytes` unless it still is. */
  read(bytes: StateBytes | undefined): unknown {
    if (!this.#isCurrent) this.write(bytes === undefined ? undefined : this.#codec?.decode(bytes));
    return this.#value;
  }

  write(value: unknown): void {
    this.#value = value;
    this.#isCurrent = true;
  }

  /** Takes a value that the action gave, which others may hold too: it serves for this run only. */
  assign(value: unknown): void {
    this.write(value);
    this.#isBorrowed = true;
  }

  /** The run is over and its state encoded. */
  endRun(): void {
    if (this.#isBorrowed) this.forget();
  }

  /** The object is in doubt: the next action gets another. */
  forget(): void {
    this.#value = undefined;
    this.#isCurrent = false;
    this.#isBorrowed = false;
  }

  /**
   * Before an action runs on what is stored as `bytes`.
   *
   * @throws {SpawnError} `ACTION_FAILED` in strict mode, when the state was changed since the last action
   */
  prepare(bytes: StateBytes | undefined): void {
    if (!this.#isStrict || !this.#isCurrent) return;
    const before = this.#value;
    this.forget();
    if (bytes === undefined || this.#codec?.isSame(this.#codec.encode(before), bytes) === true) {
      return;
    }
    throw new SpawnError(
      "ACTION_FAILED",
      "the state was changed after the action before had returned; such changes are lost",
    );
  }
}
