import { isSpawnError } from "../engine/index.ts";
import type { Failure, SpawnError } from "../engine/index.ts";
import type { Call } from "./actor-ref.ts";

/** What of a failure reaches the caller: its code tells which data goes with it. */
type Carried<Failures> =
  Failures extends Failure<infer Code, infer Data>
    ? { readonly code: Code; readonly data: Data }
    : never;

/** How a call ended, without an exception. `ok` or `failure` alone tells which of the two it is. */
export type Settled<Reply, Failures> =
  | {
      readonly ok: true;
      readonly value: Reply;
      readonly failure?: undefined;
      readonly error?: undefined;
    }
  | {
      readonly ok: false;
      readonly value?: undefined;
      /** The failure that the action returned; `undefined` when something else went wrong. */
      readonly failure: Carried<Failures> | undefined;
      readonly error: SpawnError;
    };

/**
 * Waits for a call and says how it ended; never throws for an error of the platform. A promise that is no
 * call of a reference, such as that of `system.invoke`, may have failed with any code.
 *
 * @throws whatever the promise rejects with that is no `SpawnError`
 */
export async function settle<Reply, Failures = Failure>(
  call: Call<Reply, Failures>,
): Promise<Settled<Reply, Failures>> {
  try {
    return { ok: true, value: await call };
  } catch (error) {
    if (!isSpawnError(error)) throw error;
    return { ok: false, failure: error.failure as Carried<Failures> | undefined, error };
  }
}
