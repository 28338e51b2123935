/** `external(name, run)`: something that is done outside of actors, after the commit that asks for it. */
import { SpawnError, checkName } from "../engine/index.ts";
import type { ExternalCall, ExternalFunction } from "../engine/index.ts";

/** A function outside, with the type of its payload. */
export interface External<Payload> {
  readonly name: string;
  /** Never there: carries the type. */
  readonly "~payload"?: Payload;
}

/** Any function outside. */
// oxlint-disable-next-line typescript/no-explicit-any -- a list of them has many payloads
export type AnyExternal = External<any>;

const functions = new WeakMap<object, ExternalFunction>();

/**
 * Defines something that actors can have done: a mail, a payment, a request. `ctx.external(mail, {…})`
 * stores it with what the action changes; a process that has it registered under this name
 * (`actorSystem(name, { externals: [mail] })`) then carries it out, again if it throws or the process
 * dies, and at least once. The `id` of the call is the same each time: hand it on as an idempotency key.
 *
 * @param run returns or resolves when it is done; throws to be tried again; returns `fail(…)` to be
 * parked at once
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function external<Payload>(
  name: string,
  run: (payload: Payload, call: ExternalCall) => unknown,
): External<Payload> {
  checkName("external", name);
  if (typeof run !== "function") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `external ${name}: expected a function, got ${typeof run}`,
    );
  }
  const defined: External<Payload> = Object.freeze({ name });
  functions.set(defined, run as ExternalFunction);
  return defined;
}

/** The functions by name. @throws {SpawnError} `INVALID_ARGUMENT`, `ALREADY_REGISTERED` */
export function functionsOf(
  externals: readonly AnyExternal[],
): ReadonlyMap<string, ExternalFunction> {
  if (!Array.isArray(externals)) {
    const got = typeof externals;
    throw new SpawnError("INVALID_ARGUMENT", `externals: expected an array, got ${got}`);
  }
  const byName = new Map<string, ExternalFunction>();
  for (const defined of externals) {
    const run = functions.get(defined);
    if (run === undefined)
      throw new SpawnError("INVALID_ARGUMENT", "externals: expected what external(…) returned");
    if (byName.has(defined.name)) {
      throw new SpawnError("ALREADY_REGISTERED", `the external ${defined.name} is given twice`);
    }
    byName.set(defined.name, run);
  }
  return byName;
}
