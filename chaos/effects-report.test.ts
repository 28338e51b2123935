import { expect, test } from "vitest";
import { EffectsLedger } from "./effects-ledger.ts";
import { effectsReport } from "./effects-report.ts";
import type { EffectsRun } from "./effects-report.ts";

const sound = {
  consumed: 20_000,
  lost: 0,
  doubled: 0,
  disordered: 0,
  orphans: 0,
  early: 0,
  uncancelled: 0,
};
const poisoned = { id: "p", action: "poison", target: "n1", error: "given up" };
const outbox = { due: 0, later: 1, repeated: 11, parked: [poisoned] };
const poison = { sent: 1, parked: 1, deaths: 4, deathsMax: 4 };
const ticker = { ticks: 11, sent: 0, firstAt: 1_000, lastAt: 2_500 };
const metronome = {
  record: { ticks: 50, sent: 0, firstAt: 0, lastAt: 0 },
  beatsMs: { min: 10_000, max: 10_100 },
  ticksAfterCancel: 0,
};

function report({
  ledger = {},
  verdict = {},
  ...run
}: Partial<Omit<EffectsRun, "ledger" | "verdict">> & {
  readonly ledger?: Partial<EffectsLedger>;
  readonly verdict?: Partial<EffectsRun["verdict"]>;
} = {}) {
  return effectsReport({
    floor: { kills: 50, consumed: 10_000 },
    kills: 50,
    ledger: Object.assign(new EffectsLedger(), ledger),
    verdict: { ...sound, ...verdict },
    outbox,
    poison,
    tickers: [ticker],
    metronomes: [metronome],
    outside: { done: 5, again: 1 },
    retried: 0,
    seconds: 60,
    ...run,
  });
}

test("a run in which every promise was kept has no problems, and its figures", () => {
  const { figures, problems } = report();
  expect(problems).toEqual([]);
  expect(figures).toMatchObject({ kills: 50, lost: 0, doubled: 0, stale: 0, unknown: 0 });
  expect(figures).toMatchObject({ consumed: 20_000, ticks: 61, parked: 1, deaths: 4 });
});

test.each([
  ["1 kills are missing: 50 are needed", { kills: 49 }],
  ["10000 have to be consumed", { verdict: { consumed: 9_999 } }],
  ["never received", { verdict: { lost: 1 } }],
  ["more than once", { verdict: { doubled: 1 } }],
  ["out of order", { verdict: { disordered: 1 } }],
  ["nobody asked for", { verdict: { orphans: 1 } }],
  ["before their time", { verdict: { early: 1 } }],
  ["although they were cancelled", { verdict: { uncancelled: 1 } }],
  ["acknowledged before", { ledger: { stale: 1 } }],
  ["should have been accepted", { ledger: { refused: 1 } }],
  ["answered otherwise", { ledger: { contradictions: new Set([7]) } }],
  ["due and not delivered", { outbox: { ...outbox, due: 1 } }],
  ["far away is gone", { outbox: { ...outbox, later: 0 } }],
  [
    "were given up, the first: n2 loose: no",
    {
      outbox: {
        ...outbox,
        parked: [poisoned, { id: "i", action: "loose", target: "n2", error: "no" }],
      },
    },
  ],
  ["are not given up", { poison: { ...poison, parked: 0 } }],
  ["deaths are too many", { poison: { ...poison, deaths: 5 } }],
  ["more than once", { tickers: [{ ...ticker, ticks: 13 }] }],
  ["never received", { metronomes: [{ ...metronome, record: { ...ticker, ticks: 47 } }] }],
  ["more than once", { metronomes: [{ ...metronome, record: { ...ticker, ticks: 52 } }] }],
  ["more than once", { metronomes: [{ ...metronome, ticksAfterCancel: 1 }] }],
] as const)("%s: is a problem", (problem, run) => {
  const { problems } = report(run);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(problem);
});
