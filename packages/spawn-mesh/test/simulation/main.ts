/** `bin/simulate`: runs seeds of the simulation and shows what happened in those that fail. */
import { parseArgs } from "node:util";
import { simulate } from "./simulation.ts";
import type { Violation } from "./run-log.ts";
import type { RunReport } from "./simulation.ts";

const USAGE = `usage: bin/simulate [--seed N] [--seeds COUNT] [--trace LINES] [--keep-going] [--until INVARIANT]

  --seed N        run this seed and show the end of its trace
  --seeds COUNT   run COUNT seeds, from --seed or a random one, until one fails
  --trace LINES   lines of the trace to show (200)
  --keep-going    go on after a seed that fails, and sum up
  --until I9      run seeds until a checker objects to this invariant, and say so in one line of JSON
                  (at most --seeds of them, 2000)`;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    trace: { type: "string", default: "200" },
    until: { type: "string" },
    "keep-going": { type: "boolean", default: false },
    help: { type: "boolean", short: "h" },
  },
});
if (values.help === true) {
  console.log(USAGE);
} else {
  const from = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const count = Number(values.seeds ?? (values.seed === undefined ? 100 : 1));
  process.exitCode =
    values.until === undefined ? await runSeeds(from, count) : await runUntil(values.until, from);
}

/** A rejection that nobody handles fails the seed, but its checkers still have their say. */
async function simulateAll(seed: number): Promise<RunReport> {
  const rejections: Violation[] = [];
  const onRejection = (reason: unknown): void => {
    const what = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    rejections.push({ invariant: "I15", what: `a rejection that nobody handles: ${what}` });
  };
  process.on("unhandledRejection", onRejection);
  const report = await simulate(seed);
  await new Promise((resolve) => void setImmediate(resolve));
  process.off("unhandledRejection", onRejection);
  return { ...report, violations: [...report.violations, ...rejections] };
}

async function runSeeds(from: number, count: number): Promise<number> {
  const startedMs = performance.now();
  const failed: number[] = [];
  const totals = new Map<string, number>();
  for (let seed = from; seed < from + count; seed++) {
    const report = await simulateAll(seed);
    for (const [what, times] of report.counts) totals.set(what, (totals.get(what) ?? 0) + times);
    if (report.violations.length > 0) failed.push(seed);
    if (values["keep-going"]) for (const text of violationLines(report)) console.log(text);
    else if (report.violations.length > 0 || count === 1) show(report);
    if (report.violations.length > 0 && !values["keep-going"]) return 1;
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  if (count > 1) showCounts(totals);
  console.log(`${count} seeds from ${from} in ${seconds.toFixed(1)} s, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

async function runUntil(wanted: string, from: number): Promise<number> {
  const seedsMax = Number(values.seeds ?? 2_000);
  let seeds = 0;
  let objection: string | undefined;
  while (objection === undefined && seeds < seedsMax) {
    const { violations } = await simulateAll(from + seeds++);
    objection = violations.find(({ invariant }) => invariant === wanted)?.what;
  }
  console.log(JSON.stringify({ seeds, objection }));
  return 0;
}

function violationLines({ seed, violations }: RunReport): readonly string[] {
  return violations.map(({ invariant, what }) => `seed ${seed} ${invariant}: ${what}`);
}

function showCounts(counts: ReadonlyMap<string, number>): void {
  for (const [what, times] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${String(times).padStart(9)}  ${what}`);
  }
}

function show(report: RunReport): void {
  const { seed, profile, trace, traceHash, counts } = report;
  const { limits, ...rest } = profile;
  console.log(`seed ${seed}, trace hash ${traceHash}`);
  console.log("profile", rest, "limits", limits);
  console.log(trace.slice(-Number(values.trace)).join("\n"));
  showCounts(counts);
  for (const text of violationLines(report)) console.log(text);
  console.log(`Replay: bin/simulate --seed ${seed}`);
}
