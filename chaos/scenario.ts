/** What a fault scenario is. A new one is a file and a line in `main.ts`. */
import type { Figure } from "./figures-table.ts";
import type { ProgressLine } from "./progress-line.ts";

export interface ScenarioOptions {
  readonly seed: number;
  /** How many times the fault happens. */
  readonly kills: number;
  /** Ends the faults earlier when this much time has passed. */
  readonly seconds: number | undefined;
  /** The workspace whose library is put to the test: this one, or a copy with a mutation. */
  readonly workspace: string;
  /** For everything that the run writes. */
  readonly directory: string;
  readonly progress: ProgressLine;
}

/** The figures that every scenario has, as `--json` prints them; a scenario may add its own. */
export interface Figures {
  /** Calls that were answered with success. */
  readonly acknowledged: number;
  readonly lost: number;
  readonly doubled: number;
  readonly stale: number;
  readonly unknown: number;
  readonly kills: number;
  readonly operations: number;
  readonly [more: string]: number;
}

export interface ScenarioReport {
  readonly figures: Figures;
  /** The figures for people, in the order to read them. */
  readonly table: readonly Figure[];
  /** What is wrong, a sentence each; none when every promise was kept. */
  readonly problems: readonly string[];
}

export interface Scenario {
  /** What it does, in one line. */
  readonly summary: string;
  /** Kills unless told otherwise. */
  readonly killsDefault: number;
  /** The mutations that it notices after a few kills. */
  readonly mutations: readonly string[];
  run(options: ScenarioOptions): Promise<ScenarioReport>;
}
