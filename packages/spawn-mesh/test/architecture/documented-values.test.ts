/** The numbers and codes that comments and pages promise are those that the program has. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { defaultLimits, errorCodes } from "../../src/engine/index.ts";
import { actor } from "../../src/sdk/index.ts";
import { definitionOfActor } from "../../src/sdk/actor.ts";
import { resolveConnectionLimits } from "../../src/statestores/sql/connection-limits.ts";

const root = join(import.meta.dirname, "../../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const UNITS: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  KiB: 2 ** 10,
  Mi: 2 ** 20,
  MiB: 2 ** 20,
  hours: 3_600_000,
};

/** The number at the beginning of a text, as prose writes it: `10 000`, `64 Ki`, `24 hours`. */
function numberAt(text: string): number {
  const [, digits = "", unit = ""] = /^([\d ]*\d)(?: (\w+))?/.exec(text) ?? [];
  return Number(digits.replaceAll(" ", "")) * (UNITS[unit] ?? 1);
}

/** The documented fields of a source, each with its comment as one line. */
function commentsOf(source: string): ReadonlyMap<string, string> {
  const fields = source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*readonly (\w+)\??:/g);
  const plain = (comment: string): string => comment.replaceAll(/\s*\n\s*\*?\s*/g, " ");
  return new Map([...fields].map(([, comment = "", name = ""]) => [name, plain(comment)]));
}

/** The default that each comment names as a number. */
function defaultsIn(source: string): Readonly<Record<string, number>> {
  const entries = [...commentsOf(source)].flatMap(([name, comment]) => {
    const [, value] = /Default (\d.*)/.exec(comment) ?? [];
    return value === undefined ? [] : [[name, numberAt(value)] as const];
  });
  return Object.fromEntries(entries);
}

/** The cells of those rows of a page's tables that begin with one name in code. */
function rowsOf(page: string): readonly (readonly [name: string, ...cells: string[]])[] {
  const rows = read(page).matchAll(/^\| `(\w+)` \| (.*) \|$/gm);
  return [...rows].map(([, name = "", cells = ""]) => [name, ...cells.split(" | ")]);
}

/** The numbers that a column of a page's tables has for some names; a name without its number is missing. */
function numbersIn(page: string, column: number, names: readonly string[]): object {
  const found = rowsOf(page).filter(([name, ...cells]) => {
    return names.includes(name) && /^\d/.test(cells[column] ?? "");
  });
  return Object.fromEntries(found.map(([name, ...cells]) => [name, numberAt(cells[column]!)]));
}

function pick<Values extends object>(values: Values, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, values[name as keyof Values]]));
}

const definition = definitionOfActor(actor("a", { state: () => 0, actions: {} }));
const DEFINITION = ["deactivateTimeoutMs", "snapshotTimeoutMs"];

describe("the defaults", () => {
  test("of limits are what the comment of each says", () => {
    expect(defaultsIn(read("packages/spawn-mesh/src/engine/limits.ts"))).toEqual(defaultLimits);
  });

  test("of limits are what the guide says of some", () => {
    const names = Object.keys(defaultLimits);
    const told = numbersIn("docs/guides/running.md", 0, names);
    expect(Object.keys(told).length).toBeGreaterThan(4);
    expect(told).toEqual(pick(defaultLimits, Object.keys(told)));
  });

  test("of a definition are what its comments and the README say", () => {
    const comments = defaultsIn(read("packages/spawn-mesh/src/sdk/actor.ts"));
    expect(comments).toEqual(pick(definition, [...DEFINITION, "revisionsKept"]));
    expect(numbersIn("README.md", 1, DEFINITION)).toEqual(pick(definition, DEFINITION));
  });

  test("of connections to a database are what comments and the guide say", () => {
    const { connectionsMax, ...times } = resolveConnectionLimits({});
    const all = { connectionsMax, ...times };
    const source = "packages/spawn-mesh/src/statestores/sql/connection-limits.ts";
    expect(defaultsIn(read(source))).toEqual(all);
    expect(numbersIn("docs/guides/databases.md", 0, Object.keys(all))).toEqual(all);
  });
});

test("the codes of errors are those of the guide, with all that it says of them", () => {
  const { NOT_OWNER: _, ...told } = errorCodes;
  const expected = Object.entries(told).map(([code, { meaning, blame, retryable, http }]) => {
    const status = code === "ACTION_FAILED" ? `${http}; returned, over JSON: 422` : `${http}`;
    return [code, meaning, retryable ? `${blame}, retryable` : blame, status];
  });
  const rows = rowsOf("docs/guides/errors.md");
  const codes = rows.filter(([name, ...cells]) => name in errorCodes && cells.length === 3);
  expect(codes).toEqual(expected);
});

test("numbers are read as prose writes them", () => {
  expect(["10 000; then", "64 Ki.", "24 hours", "1 MiB for a payload", "5"].map(numberAt)).toEqual([
    10_000, 65_536, 86_400_000, 1_048_576, 5,
  ]);
});
