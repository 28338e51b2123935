/** The rules of the house for this package. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSources } from "../../spawn-mesh/test/architecture/source-file.ts";

const files = readSources(join(import.meta.dirname, "../src"));
const isTest = (path: string): boolean => path.endsWith(".test.ts");
const CODE_LINES_MAX = 400;

test("only one file reads the environment", () => {
  const readers = files.filter(({ globals }) =>
    [...globals].some((name) => /^process\.env\b/.test(name)),
  );
  expect(readers.map(({ path }) => path)).toEqual(["config.ts"]);
});

test("the library is used through its doors", () => {
  const past = files.flatMap(({ path, imports }) =>
    imports.filter((target) => target.includes("packages/")).map((target) => `${path}: ${target}`),
  );
  expect(past).toEqual([]);
});

test("the sources are short enough to read", () => {
  const long = files.filter(({ path, codeLines }) => !isTest(path) && codeLines > CODE_LINES_MAX);
  expect(long.map(({ path }) => path)).toEqual([]);
});
