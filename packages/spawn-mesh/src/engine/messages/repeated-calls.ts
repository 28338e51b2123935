/**
 * Calls that are repeated with their key after they went on in other actors. Whoever repeats one waits
 * for the answer of the first time, and what did not happen yet happens now.
 */
import type { ActorId } from "../actor-id.ts";
import type { Continuations } from "./continuations.ts";
import { SpawnError } from "../errors.ts";
import type { Invocation } from "../calls/invocation.ts";
import { answerWith } from "../calls/keyed-invocations.ts";
import type { ContinuedCall } from "../calls/keyed-invocations.ts";
import type { Loader } from "../activations/loader.ts";
import type { StoredMessage } from "../message-store.ts";

export interface RepeatedCallsParts {
  readonly loader: Loader;
  readonly continuations: Continuations;
  /** Whether a step is being delivered from here. */
  readonly isUnderWay: (step: string) => boolean;
  /** Delivers a step that is stored. */
  readonly deliver: (step: StoredMessage) => void;
}

export class RepeatedCalls {
  readonly #parts: RepeatedCallsParts;

  constructor(parts: RepeatedCallsParts) {
    this.#parts = parts;
  }

  /** The invocation is answered with what became of `call`. */
  readonly follow = (invocation: Invocation, call: ContinuedCall): void => {
    const { continuations, isUnderWay } = this.#parts;
    continuations.wait({ id: call.step, target: call.target }, invocation);
    if (!isUnderWay(call.step)) this.#seek(invocation, call, call.target);
  };

  /** Looks for the step, and for its outcome where `actor` has it or whoever remembers it instead. */
  #seek(invocation: Invocation, call: ContinuedCall, actor: ActorId): void {
    const { loader, continuations, isUnderWay, deliver } = this.#parts;
    const { step, rememberedBy } = call;
    const query = { actor, row: false, keys: [step], messages: [step] };
    loader.load(query, {
      loaded: ({ replies: [stored], messages: [message] }) => {
        if (stored !== undefined) {
          for (const each of continuations.take(step)) answerWith(each, stored, this.follow);
        } else if (isUnderWay(step)) {
          return;
        } else if (message !== undefined) {
          deliver(message);
        } else if (actor !== rememberedBy) {
          this.#seek(invocation, call, rememberedBy);
        } else {
          continuations.fail(step, stepLost(step));
        }
      },
      loadFailed: ({ code, message }) =>
        invocation.fail(new SpawnError(code, message, { applied: "yes" })),
    });
  }
}

/** The step was consumed, and nothing of that is remembered; or it was given up. */
function stepLost(step: string): SpawnError {
  return new SpawnError(
    "UNKNOWN_OUTCOME",
    `the call was applied and went on as message ${step}, whose outcome is not remembered; it may be parked`,
    { applied: "yes" },
  );
}
