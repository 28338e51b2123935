/** The table of invariants in ARCHITECTURE.md speaks of this code, and of what is checked. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadMutation, mutationNames } from "../../../../scripts/apply-mutation.ts";
import { readSources } from "./source-file.ts";

interface Row {
  readonly id: string;
  /** What the sources call that which keeps it. */
  readonly names: readonly string[];
}

const library = join(import.meta.dirname, "../..");
const page = readFileSync(join(library, "../../ARCHITECTURE.md"), "utf8");

function rowsOf(text: string): readonly Row[] {
  return [...text.matchAll(/^\| (I\d+) \|[^|]*\| ([^|]*) \|$/gm)].map(
    ([, id = "", where = ""]) => ({
      id,
      names: [...where.matchAll(/`([^`]+)`/g)].flatMap(([, name = ""]) => name.split(".")),
    }),
  );
}

const rows = rowsOf(page);
const code = readSources(join(library, "src")).filter(({ path }) => !path.endsWith(".test.ts"));

function isInCode(name: string): boolean {
  const word = new RegExp(`(?<![\\w#])${name}\\b`);
  return code.some(({ path }) => word.test(readFileSync(join(library, "src", path), "utf8")));
}

test("what keeps an invariant is in the sources under that name", () => {
  const names = rows.flatMap((row) => row.names);
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !isInCode(name))).toEqual([]);
  expect(isInCode("#nothingOfTheKind")).toBe(false);
});

test("each invariant has a mutation that breaks it, and each mutation breaks one of them", async () => {
  const mutations = await Promise.all(mutationNames().map(loadMutation));
  const broken = new Set(mutations.map(({ invariant }) => invariant));
  expect([...broken].toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
});
