import { describe, expect, test } from "vitest";
import { kill9Report, type Tally } from "./kill9-report.ts";
import type { Verdict } from "./history-checker.ts";

const good: Tally = {
  acknowledged: 1_000,
  unknown: 20,
  refused: 0,
  kills: 10,
  lives: 10,
  livesWithoutAck: 1,
  inFlightAtKills: 20,
  operations: 1_100,
  restartsMs: [200, 300, 100],
};
const clean: Verdict = { lost: 0, doubled: 0, stale: 0, ghosts: 0 };

function problemsOf(tally: Partial<Tally>, verdict: Partial<Verdict> = {}): readonly string[] {
  return kill9Report({
    tally: { ...good, ...tally },
    verdicts: [clean, { ...clean, ...verdict }],
    actors: 2,
    seconds: 1,
  }).problems;
}

describe("the report of kill9", () => {
  test("is content with a run at the edge of what is allowed", () => {
    expect(problemsOf({})).toEqual([]);
  });

  test.each([
    [{}, { lost: 1 }],
    [{}, { doubled: 1 }],
    [{}, { stale: 1 }],
    [{}, { ghosts: 1 }],
    [{ acknowledged: 999 }, {}],
    [{ unknown: 21 }, {}],
    [{ refused: 1 }, {}],
    [{ livesWithoutAck: 2 }, {}],
    [{ lives: 0, livesWithoutAck: 0, acknowledged: 0 }, {}],
  ])("names one problem of %j %j", (tally, verdict) => {
    expect(problemsOf(tally, verdict)).toHaveLength(1);
  });

  test("adds up what was found in all actors", () => {
    const report = kill9Report({
      tally: good,
      verdicts: [
        { ...clean, lost: 1 },
        { ...clean, lost: 2, stale: 3 },
      ],
      actors: 2,
      seconds: 1,
    });
    expect(report.figures).toMatchObject({ lost: 3, stale: 3, doubled: 0, restartMs: 200 });
  });
});
