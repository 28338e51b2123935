/** What a run of `effects` found, and what it takes to call that good. */
import type { EffectsVerdict } from "./effects-checker.ts";
import type { OutboxFigures } from "./effects-nodes.ts";
import { TICK_MS } from "./effects-nodes.ts";
import type { ScenarioReport } from "./scenario.ts";

/** What was counted during the run. */
export interface EffectsTally {
  kills: number;
  /** Waves that were asked for. */
  pushes: number;
  /** Waves whose beginning was acknowledged. */
  acknowledged: number;
  /** Waves that were refused and should not have been. */
  refused: number;
}

interface EffectsRun {
  readonly tally: EffectsTally;
  readonly verdict: EffectsVerdict;
  readonly outbox: OutboxFigures;
  readonly tickers: readonly {
    readonly ticks: number;
    readonly firstAt: number;
    readonly lastAt: number;
  }[];
  /** Done outside: how many different ones, and how often one was done again. */
  readonly outside: { readonly asked: number; readonly done: number; readonly again: number };
  readonly seconds: number;
}

/** Below it the run has not tested much. */
const CONSUMED_PER_KILL_MIN = 100;

export function effectsReport(run: EffectsRun): ScenarioReport {
  const { tally, verdict, outbox, tickers, outside } = run;
  const ticks = tickers.reduce((sum, ticker) => sum + ticker.ticks, 0);
  const ticksTwice = tickers.reduce((sum, ticker) => sum + surplusTicks(ticker), 0);
  const outsideLost = Math.max(0, outside.asked - outside.done);
  const orphans = Math.max(0, outside.done - outside.asked);
  const figures = {
    acknowledged: tally.acknowledged,
    kills: tally.kills,
    operations: tally.pushes,
    consumed: verdict.consumed,
    lost: verdict.lost + outsideLost,
    doubled: verdict.doubled + ticksTwice,
    disordered: verdict.disordered,
    orphans,
    stale: 0,
    unknown: 0,
    refused: tally.refused,
    ticks,
    ticksTwice,
    outside: outside.done,
    outsideAgain: outside.again,
    left: outbox.due,
    parked: outbox.parked.length,
    seconds: Number(run.seconds.toFixed(1)),
  };
  return {
    figures,
    table: [
      ["kills", tally.kills],
      ["waves", tally.acknowledged, "begun, each through up to nine actors"],
      ["messages consumed", verdict.consumed],
      ["lost", figures.lost],
      ["doubled", figures.doubled],
      ["out of order", verdict.disordered],
      ["orphans", orphans, "done outside and never asked for"],
      ["timer ticks", ticks, `${ticksTwice} more than there was time for`],
      ["done outside", outside.done, `${outside.again} of them again after a kill`],
      ["still due", outbox.due, `${outbox.timers} timers go on`],
      ["parked", outbox.parked.length],
    ],
    problems: problemsOf(figures, outbox),
  };
}

/** Ticks beyond those for which there was time between the first and the last. */
function surplusTicks({
  ticks,
  firstAt,
  lastAt,
}: {
  readonly ticks: number;
  readonly firstAt: number;
  readonly lastAt: number;
}): number {
  return Math.max(0, ticks - Math.floor((lastAt - firstAt) / TICK_MS) - 2);
}

function problemsOf(
  figures: Readonly<Record<string, number>>,
  { parked }: OutboxFigures,
): readonly string[] {
  const { kills = 0, consumed = 0, lost, doubled, disordered, orphans, left, refused } = figures;
  const found: readonly (readonly [count: number | undefined, what: string])[] = [
    [lost, "messages were sent and never received"],
    [doubled, "messages or ticks happened more than once"],
    [disordered, "messages came out of order"],
    [orphans, "things were done outside that nobody asked for"],
    [left, "messages are due and not delivered"],
    [refused, "waves were refused that should have been accepted"],
    [parked.length, `messages were given up, the first: ${parked[0]}`],
  ];
  const problems = found.flatMap(([count = 0, what]) => (count > 0 ? [`${count} ${what}`] : []));
  return consumed < kills * CONSUMED_PER_KILL_MIN
    ? [...problems, `${consumed} messages for ${kills} kills are too few to show anything`]
    : problems;
}
