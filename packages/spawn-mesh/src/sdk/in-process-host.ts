/**
 * Runs actions as plain function calls, and knows which run is going on.
 *
 * A call made through the system from inside an action belongs to its run. While an action runs
 * synchronously a variable says so. Only asynchronous functions are followed with AsyncLocalStorage,
 * because it would cost every synchronous call a third of its speed.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ActionContext, ActionFunction, Host } from "../engine/index.ts";

const AsyncFunction: unknown = (async () => undefined).constructor;

/** Whether it was written as an asynchronous function. */
export function isAsynchronous(action: ActionFunction): boolean {
  return action.constructor === AsyncFunction;
}

const asynchronousRuns = new AsyncLocalStorage<ActionContext>();
let synchronousRun: ActionContext | undefined;

/** The run that the calling code belongs to, if any. */
export function currentRun(): ActionContext | undefined {
  return synchronousRun ?? asynchronousRuns.getStore();
}

/** @param reference makes typed references whose calls belong to a run */
export function inProcessHost(reference: Host["reference"]): Host {
  return { run, reference };
}

function run(action: ActionFunction, context: ActionContext, payload: unknown): unknown {
  const outer = synchronousRun;
  synchronousRun = context;
  try {
    if (isAsynchronous(action)) return asynchronousRuns.run(context, action, context, payload);
    // The turn may have been taken on behalf of another run, whose this one is not.
    return asynchronousRuns.getStore() === undefined
      ? action(context, payload)
      : asynchronousRuns.exit(action, context, payload);
  } finally {
    synchronousRun = outer;
  }
}
