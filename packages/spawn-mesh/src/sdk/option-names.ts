/** A misspelt option would do nothing: its default would hold instead, and nobody would be told. */
import { SpawnError } from "../engine/index.ts";

/**
 * @param what whose options they are, as its user calls it
 * @param names an object with a key for each option that there is
 * @throws {SpawnError} `INVALID_ARGUMENT` naming the option that is not there
 */
export function checkOptionNames(what: string, options: object, names: object): void {
  for (const option of Object.keys(options)) {
    if (Object.hasOwn(names, option)) continue;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${option} of ${what}: there is no such option; there are ${Object.keys(names).join(", ")}`,
    );
  }
}
