/**
 * Says what is wrong with a value that was refused, and where. Values are copied without a path; only when one
 * is refused it is walked again.
 */
import { SpawnError, describeThrown } from "../errors.ts";
import { VALUE_DEPTH_MAX, isPlain } from "./json-value.ts";

/** The error for a value that was refused: what was found, and where. */
export function problemOf(value: unknown, what: string): SpawnError {
  const found = findProblem(value, what, []) ?? `${what}: a value that changes while it is read`;
  const inPlace = INSTEAD.find(([kind]) => found.endsWith(kind));
  const hint = inPlace === undefined ? "" : `; ${inPlace[1]} is one`;
  return new SpawnError(
    "INVALID_ARGUMENT",
    `${found}; expected null, a boolean, a finite number, a string, an array or a plain object${hint}`,
  );
}

/** What says the same as the values that are tried most often. */
const INSTEAD: readonly (readonly [kind: string, json: string])[] = [
  ["instance of Date", "date.getTime()"],
  ["instance of Map", "Object.fromEntries(map)"],
  ["instance of Set", "[...set]"],
  ["instance of Promise", "what it resolves to, with await,"],
  ["got bigint", "String(value)"],
];

function findProblem(value: unknown, path: string, parents: readonly object[]): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return `${path}: got ${value}`;
  if (typeof value !== "object") {
    return typeof value === "string" || typeof value === "boolean" || typeof value === "number"
      ? undefined
      : `${path}: got ${typeof value}`;
  }
  if (value === null) return undefined;
  if (parents.includes(value)) return `${path}: got a cycle`;
  if (parents.length === VALUE_DEPTH_MAX)
    return `${path.slice(0, 80)}…: nested deeper than ${VALUE_DEPTH_MAX} levels`;
  const inside = [...parents, value];
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const problem = findProblem(value[index], `${path}[${index}]`, inside);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (!isPlain(value)) return `${path}: got an instance of ${classOf(value)}`;
  for (const [field, inner] of Object.entries(value)) {
    const problem =
      inner === undefined ? undefined : findProblem(inner, `${path}.${field}`, inside);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function classOf(value: object): string {
  const { constructor } = value as { readonly constructor?: { readonly name?: unknown } };
  return describeThrown(constructor?.name ?? "an unknown class");
}
