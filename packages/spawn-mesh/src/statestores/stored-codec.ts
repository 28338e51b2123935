import { SpawnError } from "../engine/errors.ts";
import type { Codec } from "../engine/statestore.ts";

/** How the number of the one codec that there is stands in a row. */
export const CODEC_JSON = 0;

/**
 * The codec of a stored state. What a newer program has stored in another one must not be taken for it.
 *
 * @throws {SpawnError} `STATE_CORRUPT`
 */
export function codecOf(number: unknown): Codec {
  if (Number(number) === CODEC_JSON) return "json";
  throw new SpawnError(
    "STATE_CORRUPT",
    `the state is stored in a codec with the number ${String(number)}, expected ${CODEC_JSON}: a newer program has stored it, or the row is damaged`,
  );
}
