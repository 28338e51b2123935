import { SpawnError, describeThrown } from "./errors.ts";
import type { FailureValue } from "./errors.ts";

const brand: unique symbol = Symbol.for("spawn-mesh.failure");

/** What `fail(code, data)` makes: an action that returns or throws it changes nothing and rejects its caller. */
export interface Failure<Code extends string = string, Data = unknown> extends FailureValue {
  readonly [brand]: true;
  readonly code: Code;
  readonly data: Data;
}

/**
 * A failure of your own, to be returned from an action: the caller's call rejects with a
 * `SpawnError` of code `ACTION_FAILED` that carries it as `failure`, and nothing changes.
 *
 * @param code your own code, for example `closed`
 * @param data JSON data that helps the caller
 * @throws {SpawnError} `INVALID_ARGUMENT` when the code is no text, or an empty one
 */
export function fail<const Code extends string, Data = undefined>(
  code: Code,
  data?: Data,
): Failure<Code, Data> {
  if (typeof code !== "string" || code === "") {
    const got = describeThrown(code);
    throw new SpawnError("INVALID_ARGUMENT", `fail: expected a code, such as "closed", got ${got}`);
  }
  return { [brand]: true, code, data: data as Data };
}

/** Whether an action returned or threw what {@link fail} makes. */
export function isFailure(value: unknown): value is Failure {
  try {
    return typeof value === "object" && value !== null && brand in value;
  } catch {
    return false; // A proxy that does not let itself be looked at.
  }
}
