/** What a run of `kill9` found, and what it takes to call that good. */
import type { Figure } from "./figures-table.ts";
import type { Verdict } from "./history-checker.ts";
import type { ScenarioReport } from "./scenario.ts";

/** What was counted during the run. */
export interface Tally {
  acknowledged: number;
  unknown: number;
  /** Calls that were refused and should not have been. */
  refused: number;
  kills: number;
  lives: number;
  livesWithoutAck: number;
  /** Calls that were not answered when their process was killed. */
  inFlightAtKills: number;
  operations: number;
  /** From each kill to the first acknowledgement after it, in milliseconds. */
  readonly restartsMs: number[];
}

/** Below it the run has not tested much. */
const ACKNOWLEDGED_PER_LIFE_MIN = 100;
const LIVES_WITHOUT_ACK_MAX = 0.1;

export function kill9Report(run: {
  readonly tally: Tally;
  readonly verdicts: readonly Verdict[];
  readonly actors: number;
  readonly seconds: number;
}): ScenarioReport {
  const { restartsMs, ...counted } = run.tally;
  const total = (what: keyof Verdict) =>
    run.verdicts.reduce((sum, verdict) => sum + verdict[what], 0);
  const found = {
    lost: total("lost"),
    doubled: total("doubled"),
    stale: total("stale"),
    ghosts: total("ghosts"),
  };
  const restartMs = Math.round(median(restartsMs));
  return {
    figures: {
      ...counted,
      ...found,
      actors: run.actors,
      restartMs,
      seconds: Number(run.seconds.toFixed(1)),
    },
    table: tableOf(counted, found, { actors: run.actors, restartMs }),
    problems: problemsOf(counted, found),
  };
}

type Counted = Omit<Tally, "restartsMs">;

function tableOf(
  counted: Counted,
  found: Verdict,
  run: { readonly actors: number; readonly restartMs: number },
): readonly Figure[] {
  const perLife = Math.round(counted.acknowledged / Math.max(counted.lives, 1));
  return [
    ["kills", counted.kills, `${counted.livesWithoutAck} lives without an acknowledgement`],
    ["actors", run.actors],
    ["operations", counted.operations],
    ["acknowledged", counted.acknowledged, `${perLife} a life`],
    ["lost", found.lost],
    ["doubled", found.doubled],
    ["stale", found.stale],
    ["refused but applied", found.ghosts],
    ["unknown", counted.unknown, `of ${counted.inFlightAtKills} in flight at the kills`],
    ["restart", `${run.restartMs} ms`, "median, from the kill to the first acknowledgement"],
  ];
}

function problemsOf(counted: Counted, found: Verdict): readonly string[] {
  const { lives, livesWithoutAck, acknowledged, unknown, inFlightAtKills, refused } = counted;
  const checks: readonly (readonly [isWrong: boolean, problem: string])[] = [
    [found.lost > 0, `${found.lost} acknowledged changes are lost`],
    [found.doubled > 0, `${found.doubled} changes are there more than once`],
    [found.stale > 0, `${found.stale} answers were older than what was acknowledged before`],
    [found.ghosts > 0, `${found.ghosts} changes were answered with "not applied" and are there`],
    [
      unknown > inFlightAtKills,
      `${unknown} calls are unknown, only ${inFlightAtKills} were in flight at the kills`,
    ],
    [refused > 0, `${refused} calls were refused that should have succeeded`],
    [
      livesWithoutAck > lives * LIVES_WITHOUT_ACK_MAX,
      `${livesWithoutAck} of ${lives} lives had no acknowledgement`,
    ],
    [
      lives === 0 || acknowledged < lives * ACKNOWLEDGED_PER_LIFE_MIN,
      `${acknowledged} acknowledgements in ${lives} lives are too few to show anything`,
    ],
  ];
  return checks.filter(([isWrong]) => isWrong).map(([, problem]) => problem);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
