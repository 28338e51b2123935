/** What a run of `store-postgres` or `store-mariadb` found, and what it takes to call that good. */
import type { Verdict } from "./history-checker.ts";
import type { ScenarioReport } from "./scenario.ts";
import type { StoreFigures } from "./store-worker.ts";

/** What was counted during the run. */
export interface StoreTally {
  acknowledged: number;
  /** Calls without a key that were not answered, or whose answer said that nobody knows. */
  unknown: number;
  /** Answers that said that the outcome of a commit could not be learnt. */
  unresolved: number;
  /** Calls that were refused and should not have been. */
  refused: number;
  /** Of our process. */
  kills: number;
  databaseKills: number;
  /** Times at which all connections were cut. */
  cuts: number;
  /** Answers to commits that the program never got. */
  swallowed: number;
  /** Calls that were not answered when their process was killed. */
  inFlightAtKills: number;
  operations: number;
}

/** A list and its mirror, compared. */
export interface MirrorVerdict {
  readonly consumed: number;
  readonly lost: number;
  readonly doubled: number;
  readonly disordered: number;
}

/** Below it, a second, the run has not tested much. */
const ACKNOWLEDGED_MIN = 50;

/** Every element once, and in the same order. */
export function compareMirror(
  elements: readonly number[],
  mirror: readonly number[],
): MirrorVerdict {
  const inMirror = new Set(mirror);
  const lost = elements.filter((element) => !inMirror.has(element)).length;
  const inList = new Set(elements);
  const orphans = mirror.filter((element) => !inList.has(element)).length;
  const doubled = mirror.length - inMirror.size + orphans;
  const isInOrder =
    lost > 0 || doubled > 0 || mirror.every((element, at) => element === elements[at]);
  return { consumed: mirror.length, lost, doubled, disordered: isInOrder ? 0 : 1 };
}

export function storeReport(run: {
  readonly tally: StoreTally;
  readonly verdicts: readonly Verdict[];
  readonly mirrors: readonly MirrorVerdict[];
  readonly rest: StoreFigures;
  readonly seconds: number;
}): ScenarioReport {
  const { tally, rest } = run;
  const total = (what: keyof Verdict): number =>
    run.verdicts.reduce((sum, verdict) => sum + verdict[what], 0);
  const mirrored = (what: keyof MirrorVerdict): number =>
    run.mirrors.reduce((sum, verdict) => sum + verdict[what], 0);
  const figures = {
    ...tally,
    lost: total("lost") + mirrored("lost"),
    doubled: total("doubled") + mirrored("doubled"),
    stale: total("stale"),
    ghosts: total("ghosts"),
    consumed: mirrored("consumed"),
    disordered: mirrored("disordered"),
    waiting: rest.waiting,
    parked: rest.parked.length,
    seconds: Number(run.seconds.toFixed(1)),
  };
  return {
    figures,
    table: [
      ["kills", tally.kills, `of the process; ${tally.databaseKills} of the database`],
      [
        "swallowed",
        tally.swallowed,
        `answers to commits; ${tally.cuts} times all connections were cut`,
      ],
      ["operations", tally.operations],
      ["acknowledged", tally.acknowledged],
      ["messages consumed", figures.consumed],
      ["lost", figures.lost],
      ["doubled", figures.doubled],
      ["out of order", figures.disordered],
      ["stale", figures.stale],
      ["refused but applied", figures.ghosts],
      ["unknown", tally.unknown, `of ${tally.inFlightAtKills} in flight at the kills`],
      ["unresolved", tally.unresolved, "commits of which nobody knows"],
      ["still waiting", rest.waiting, `${rest.parked.length} parked`],
    ],
    problems: problemsOf(figures, rest),
  };
}

function problemsOf(
  figures: Readonly<Record<string, number>>,
  { parked }: StoreFigures,
): readonly string[] {
  const { unknown = 0, inFlightAtKills = 0, acknowledged = 0, seconds = 0 } = figures;
  const found: readonly (readonly [count: number | undefined, what: string])[] = [
    [figures["lost"], "acknowledged changes or messages are lost"],
    [figures["doubled"], "changes or messages are there more than once"],
    [figures["disordered"], "mirrors are in another order than their lists"],
    [figures["stale"], "answers were older than what was acknowledged before"],
    [figures["ghosts"], 'changes were answered with "not applied" and are there'],
    [figures["unresolved"], "commits are unresolved: neither applied nor not"],
    [figures["refused"], "calls were refused that should have succeeded"],
    [figures["waiting"], "messages are still waiting"],
    [parked.length, `messages were given up, the first: ${parked[0]}`],
    [Math.max(0, unknown - inFlightAtKills), "calls are unknown that were not in flight at a kill"],
  ];
  const problems = found.flatMap(([count = 0, what]) => (count > 0 ? [`${count} ${what}`] : []));
  return acknowledged < seconds * ACKNOWLEDGED_MIN
    ? [...problems, `${acknowledged} acknowledgements in ${seconds} s are too few to show anything`]
    : problems;
}
