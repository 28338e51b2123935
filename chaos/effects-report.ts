/** What a run of `effects` found, and what it takes to call that good. */
import type { EffectsVerdict } from "./effects-checker.ts";
import type { EffectsLedger } from "./effects-ledger.ts";
import { BEAT_MS, POISON, TICK_MS } from "./effects-nodes.ts";
import type { OutboxFigures, TickerRecord } from "./effects-nodes.ts";
import type { ScenarioReport } from "./scenario.ts";

/** What is asked of a run before it counts. */
export interface Floor {
  readonly kills: number;
  readonly consumed: number;
}

export interface EffectsRun {
  readonly floor: Floor;
  readonly kills: number;
  readonly ledger: EffectsLedger;
  readonly verdict: EffectsVerdict;
  readonly outbox: OutboxFigures;
  readonly poison: {
    /** How many there are, and how many of them were given up. */
    readonly sent: number;
    readonly parked: number;
    /** How often they ended the process, and how often they may. */
    readonly deaths: number;
    readonly deathsMax: number;
  };
  readonly tickers: readonly TickerRecord[];
  readonly metronomes: readonly Metronome[];
  /** Done outside: how many different ones, and how often one was done again. */
  readonly outside: { readonly done: number; readonly again: number };
  /** Messages that were parked until what they needed was mended, and then retried. */
  readonly retried: number;
  readonly seconds: number;
}

/** What was asked of a metronome, and what came. */
export interface Metronome {
  readonly record: TickerRecord;
  /** Since when it beats, at most and at least, in milliseconds. */
  readonly beatsMs: { readonly max: number; readonly min: number };
  /** Whether it was still at rest when everything was checked. */
  readonly ticksAfterCancel: number;
}

export function effectsReport(run: EffectsRun): ScenarioReport {
  const { ledger, verdict, outbox, poison, outside, retried } = run;
  const all = [...run.tickers, ...run.metronomes.map(({ record }) => record)];
  const ticks = all.reduce((sum, ticker) => sum + ticker.ticks, 0);
  const surplus = sumOf(run.tickers.map(surplusTicks)) + sumOf(run.metronomes.map(surplusBeats));
  const missing = sumOf(run.metronomes.map(missingBeats));
  const maybe = [...ledger.later.values()].filter((outcome) => outcome === "maybe").length;
  const figures = {
    acknowledged: ledger.acknowledged,
    kills: run.kills,
    operations: ledger.pushes + ledger.later.size,
    ...verdict,
    lost: verdict.lost + missing,
    doubled: verdict.doubled + surplus,
    stale: ledger.stale,
    unknown: maybe,
    contradictions: ledger.contradictions.size,
    refused: ledger.refused,
    repeated: ledger.repeated,
    ticks,
    outside: outside.done,
    outsideAgain: outside.again,
    retried,
    left: outbox.due,
    parked: outbox.parked.length,
    poison: poison.parked,
    deaths: poison.deaths,
    seconds: Number(run.seconds.toFixed(1)),
  };
  return {
    figures,
    table: [
      ["kills", run.kills, `and ${poison.deaths} deaths of poison`],
      ["waves", ledger.acknowledged, "begun, each through up to nine actors"],
      ["messages consumed", verdict.consumed],
      ["lost", figures.lost],
      ["doubled", figures.doubled],
      ["out of order", verdict.disordered],
      ["orphans", verdict.orphans, "done outside and never asked for"],
      ["calls for later", ledger.later.size, `${verdict.early} too early, ${maybe} unknown`],
      ["ran when cancelled", verdict.uncancelled],
      ["asked again", ledger.repeated, `${figures.contradictions} with another answer`],
      ["stale reads", ledger.stale],
      ["timer ticks, beats", ticks],
      ["done outside", outside.done, `${outside.again} of them again after a kill`],
      ["still due", outbox.due, `${outbox.later} far away, ${outbox.repeated} go on`],
      ["parked", outbox.parked.length, `poison; ${retried} more until somebody retried them`],
    ],
    problems: problemsOf(run, figures),
  };
}

/** Ticks beyond those for which there was time between the first and the last. */
function surplusTicks({ ticks, firstAt, lastAt }: TickerRecord): number {
  return Math.max(0, ticks - Math.floor((lastAt - firstAt) / TICK_MS) - 2);
}

/** Every beat is sent, however late. */
function surplusBeats({ record, beatsMs, ticksAfterCancel }: Metronome): number {
  return Math.max(0, record.ticks - Math.ceil(beatsMs.max / BEAT_MS)) + ticksAfterCancel;
}

/** The last one may have been under way when it was cancelled, and so another. */
function missingBeats({ record, beatsMs }: Metronome): number {
  return Math.max(0, Math.floor(beatsMs.min / BEAT_MS) - 2 - record.ticks);
}

function problemsOf(
  { floor, outbox, poison }: EffectsRun,
  figures: Readonly<Record<string, number>>,
): readonly string[] {
  const { kills = 0, consumed = 0, lost, doubled, disordered, orphans, stale } = figures;
  const { early, uncancelled, contradictions, left, refused } = figures;
  const givenUp = outbox.parked.filter(({ action }) => action !== POISON);
  const found: readonly (readonly [count: number | undefined, what: string])[] = [
    [lost, "messages were sent and never received"],
    [doubled, "messages or ticks happened more than once"],
    [disordered, "messages came out of order"],
    [orphans, "things were done outside that nobody asked for"],
    [stale, "reads did not show what was acknowledged before"],
    [early, "messages ran before their time"],
    [uncancelled, "calls ran although they were cancelled"],
    [contradictions, "calls were answered otherwise when they were repeated"],
    [left, "messages are due and not delivered"],
    [refused, "calls were refused that should have been accepted"],
    [1 - outbox.later, "message for a time far away is gone"],
    [poison.sent - poison.parked, "messages end their process each time and are not given up"],
    [
      Math.max(0, poison.deaths - poison.deathsMax),
      `deaths are too many: ${poison.deathsMax} are allowed for the poison`,
    ],
    [
      givenUp.length,
      `messages were given up, the first: ${givenUp[0]?.target} ${givenUp[0]?.action}: ${givenUp[0]?.error}`,
    ],
    [Math.max(0, floor.kills - kills), `kills are missing: ${floor.kills} are needed`],
    [
      Math.max(0, floor.consumed - consumed),
      `messages are missing: ${floor.consumed} have to be consumed to show anything`,
    ],
  ];
  return found.flatMap(([count = 0, what]) => (count > 0 ? [`${count} ${what}`] : []));
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
