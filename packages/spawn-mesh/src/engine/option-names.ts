import { SpawnError, describeThrown } from "./errors.ts";

/** @throws {SpawnError} `INVALID_ARGUMENT`: a misspelt option would be one that was not given */
export function checkOptionNames(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    const got = describeThrown(options);
    throw new SpawnError("INVALID_ARGUMENT", `${what}: expected options, got ${got}`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${what}: there is no option ${unknown}; there are ${names.join(", ")}`,
  );
}
