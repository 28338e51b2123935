import { describe, expect, test } from "vitest";
import type { Verdict } from "./history-checker.ts";
import { compareMirror, type MirrorVerdict, storeReport, type StoreTally } from "./store-report.ts";
import type { StoreFigures } from "./store-worker.ts";

test.each([
  ["the same", [1, 2, 3], [1, 2, 3], { consumed: 3, lost: 0, doubled: 0, disordered: 0 }],
  ["one less", [1, 2, 3], [1, 3], { consumed: 2, lost: 1, doubled: 0, disordered: 0 }],
  ["one twice", [1, 2], [1, 2, 2], { consumed: 3, lost: 0, doubled: 1, disordered: 0 }],
  ["one that nobody sent", [1], [1, 2], { consumed: 2, lost: 0, doubled: 1, disordered: 0 }],
  ["another order", [1, 2], [2, 1], { consumed: 2, lost: 0, doubled: 0, disordered: 1 }],
])("a mirror with %s is told from one that is not", (...[, elements, mirror, verdict]) => {
  expect(compareMirror(elements, mirror)).toEqual(verdict);
});

const tally: StoreTally = {
  acknowledged: 500,
  unknown: 20,
  unresolved: 0,
  refused: 0,
  kills: 3,
  databaseKills: 2,
  cuts: 1,
  swallowed: 30,
  inFlightAtKills: 20,
  operations: 700,
};
const clean: Verdict = { lost: 0, doubled: 0, stale: 0, ghosts: 0 };
const mirrored: MirrorVerdict = { consumed: 100, lost: 0, doubled: 0, disordered: 0 };
const nothingLeft: StoreFigures = { waiting: 0, parked: [], ambiguous: 0 };

interface Found {
  readonly tally?: Partial<StoreTally>;
  readonly verdict?: Partial<Verdict>;
  readonly mirror?: Partial<MirrorVerdict>;
  readonly rest?: Partial<StoreFigures>;
}

function problemsOf(found: Found): readonly string[] {
  return storeReport({
    tally: { ...tally, ...found.tally },
    verdicts: [clean, { ...clean, ...found.verdict }],
    mirrors: [mirrored, { ...mirrored, ...found.mirror }],
    rest: { ...nothingLeft, ...found.rest },
    seconds: 10,
  }).problems;
}

describe("the report of a statestore under faults", () => {
  test("is content with a run at the edge of what is allowed", () => {
    expect(problemsOf({})).toEqual([]);
  });

  test.each<[Found]>([
    [{ verdict: { lost: 1 } }],
    [{ verdict: { doubled: 1 } }],
    [{ verdict: { stale: 1 } }],
    [{ verdict: { ghosts: 1 } }],
    [{ mirror: { lost: 1 } }],
    [{ mirror: { doubled: 1 } }],
    [{ mirror: { disordered: 1 } }],
    [{ tally: { unresolved: 1 } }],
    [{ tally: { refused: 1 } }],
    [{ tally: { unknown: 21 } }],
    [{ tally: { acknowledged: 499 } }],
    [{ rest: { waiting: 1 } }],
    [{ rest: { parked: ["no such actor"] } }],
  ])("names one problem of %j", (found) => {
    expect(problemsOf(found)).toHaveLength(1);
  });
});
