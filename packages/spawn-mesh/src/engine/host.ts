/**
 * PORT: what runs user code.
 *
 * In process it is a function call, in a sidecar a request to the program beside it. The host also knows how
 * an action reaches other actors, because only it knows what a typed reference looks like.
 */
import type { ActionFunction } from "./actor-definition.ts";
import type { SpawnError } from "./errors.ts";
import type { ActionContext, ReferenceCall } from "./activations/action-context.ts";

/** Runs the code of actions, and says what its values mean. The default runs functions in this process. */
export interface Host {
  /** Runs `action`; whatever it returns or throws is the result, a promise included. */
  run(action: ActionFunction, context: ActionContext, payload: unknown): unknown;
  /**
   * What the host itself says with what a run threw, as a host that cannot be reached does; `undefined`
   * if the action has thrown it. Default: it is always the action.
   */
  failure?(thrown: unknown): SpawnError | undefined;
  /** A reference to another actor, whose methods do what `call` does. */
  reference(target: unknown, name: string | undefined, call: ReferenceCall): unknown;
}

/** Calls the action and nothing else: for engines without an SDK around them. */
export const plainHost: Host = {
  run: (action, context, payload) => action(context, payload),
  reference() {
    throw new TypeError("this host has no typed references; use context.invoke and context.send");
  },
};
