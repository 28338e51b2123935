/**
 * PORT: what runs user code.
 *
 * In process it is a function call; beside a sidecar it will be a request. The host also knows how
 * an action reaches other actors, because only it knows what a typed reference looks like.
 */
import type { ActionFunction } from "./actor-definition.ts";
import type { ActionContext, ReferenceCall } from "./run.ts";

export interface Host {
  /** Runs `action`; whatever it returns or throws is the result, a promise included. */
  run(action: ActionFunction, context: ActionContext, payload: unknown): unknown;
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
