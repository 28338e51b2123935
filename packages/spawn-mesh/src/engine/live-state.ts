/**
 * The state of an activation as its actions see it: an object made of the bytes of the last
 * successful action, and made anew whenever an action has failed and left it in doubt.
 *
 * With `isStrict` every action gets a fresh one, and the one before is compared with its bytes: code
 * that goes on changing a state after its action has returned is found out.
 */
import { CommitPipeline } from "./commit-pipeline.ts";
import { SpawnError } from "./errors.ts";

/** Where the state is not decoded. */
const NONE: unique symbol = Symbol("no live state");

/** A layer of {@link Activation}: it knows the state as an object. */
export abstract class LiveState extends CommitPipeline {
  #value: unknown = NONE;

  /** The state, decoded from its bytes unless it still is. */
  readState(): unknown {
    if (this.#value === NONE) {
      const { bytes } = this;
      this.#value = bytes === undefined ? undefined : this.definition.state?.codec.decode(bytes);
    }
    return this.#value;
  }

  /** Takes an object as the state. */
  becomeState(state: unknown): void {
    this.#value = state;
  }

  /** The object is in doubt: the next action gets another. */
  protected forgetState(): void {
    this.#value = NONE;
  }

  /**
   * Before an action runs.
   *
   * @throws {SpawnError} `ACTION_FAILED` in strict mode, when the state was changed since the last action
   */
  protected prepareState(): void {
    if (!this.definition.isStrict || this.#value === NONE) return;
    const before = this.#value;
    this.forgetState();
    const { bytes } = this;
    const codec = this.definition.state?.codec;
    if (bytes === undefined || codec?.isSame(codec.encode(before), bytes) === true) return;
    throw new SpawnError(
      "ACTION_FAILED",
      "the state was changed after the action before had returned; such changes are lost",
    );
  }
}
