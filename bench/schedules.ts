/**
 * A million calls that wait for later: what they cost a system that does something else, and how exactly
 * others fire meanwhile. Every measurement is a fresh process on a copy of the same file.
 *
 * usage: bin/bench schedules [--rounds N] [--json]
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { dataFolder } from "./harness/data-folder.ts";
import { runScheduled } from "./harness/programs.ts";
import { median, textTable } from "./harness/report.ts";

/** What a process of `schedules-run.ts` found. */
export interface ScheduleLine {
  readonly measured: "start" | "firing" | "backlog";
  readonly waiting: number;
  readonly startMs: number;
  readonly heapMib: number;
  readonly rssMib: number;
  /** How late actions ran, in milliseconds after they were planned. */
  readonly lateP50Ms?: number;
  readonly lateP99Ms?: number;
  readonly lateMaxMs?: number;
  /** Messages consumed a second. */
  readonly perSecond?: number;
}

const WAITING = 1_000_000;
const BACKLOG = 100_000;
/** Due so much later that none is due during the run. */
const LATER_MS = 3_600_000;
const SEND_BATCH = 10_000;

/** Calls for actors by name, spread evenly over an hour from `dueAt`, or due at once. */
async function fill(
  file: string,
  {
    prefix,
    count,
    dueAt,
  }: { readonly prefix: string; readonly count: number; readonly dueAt: number },
): Promise<void> {
  const store = sqliteStatestore({ file });
  await store.open({ owner: "fill" });
  const spreadMs = dueAt > Date.now() ? LATER_MS / count : 0;
  for (let from = 0; from < count; from += SEND_BATCH) {
    await store.messages.send(
      Array.from({ length: Math.min(SEND_BATCH, count - from) }, (_, index) => ({
        id: `${prefix}-${from + index}`,
        source: undefined,
        target: { system: "bench", definition: "clock", name: `clock-${(from + index) % 1_000}` },
        action: "strike",
        payload: "{}",
        headers: { kind: "call" as const },
        isOrdered: false,
        isTimer: false,
        sentAt: Date.now(),
        dueAt: Math.round(dueAt + (from + index) * spreadMs),
      })),
    );
  }
  await store.close();
}

/** Measures in `rounds` rounds, with and without the million, and prints what it found. */
export async function benchSchedules(rounds: number, isJson: boolean): Promise<void> {
  const folder = dataFolder("schedules");
  const inFolder = (name: string): string => join(folder, `${name}.db`);
  await fill(inFolder("none"), { prefix: "none", count: 0, dueAt: 0 });
  const startedAt = performance.now();
  await fill(inFolder("million"), {
    prefix: "later",
    count: WAITING,
    dueAt: Date.now() + LATER_MS,
  });
  const fillSeconds = (performance.now() - startedAt) / 1_000;
  process.stderr.write(`${WAITING} stored in ${fillSeconds.toFixed(1)} s\n`);
  copyFileSync(inFolder("million"), inFolder("due"));
  await fill(inFolder("due"), { prefix: "due", count: BACKLOG, dueAt: Date.now() });
  const lines: ScheduleLine[] = [];
  const run = async (measured: ScheduleLine["measured"], from: string): Promise<void> => {
    const file = inFolder("run");
    copyFileSync(inFolder(from), file);
    const line = await runScheduled(measured, file, from === "none" ? 0 : WAITING);
    lines.push(line);
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
  for (let round = 0; round < rounds; round++) {
    for (const from of ["none", "million"]) {
      await run("start", from);
      await run("firing", from);
    }
    await run("backlog", "due");
  }
  const text = isJson ? lines.map((line) => JSON.stringify(line)).join("\n") : tableOf(lines);
  process.stdout.write(`${text}\n`);
}

function tableOf(lines: readonly ScheduleLine[]): string {
  const headings = [
    "measured",
    "waiting",
    "start",
    "heap",
    "RSS",
    "late p50",
    "p99",
    "max",
    "fired/s",
  ];
  const groups = Map.groupBy(lines, ({ measured, waiting }) => `${measured} ${waiting}`);
  const rows = [...groups.values()].map((group) => {
    const middle = (field: keyof ScheduleLine, unit: string, digits = 0): string => {
      const values = group.map((line) => Number(line[field] ?? Number.NaN));
      const value = median(values);
      return Number.isNaN(value) ? "" : `${value.toFixed(digits)}${unit}`;
    };
    return [
      group[0]!.measured,
      middle("waiting", ""),
      middle("startMs", " ms"),
      middle("heapMib", " MiB", 1),
      middle("rssMib", " MiB"),
      middle("lateP50Ms", " ms", 1),
      middle("lateP99Ms", " ms", 1),
      middle("lateMaxMs", " ms", 1),
      middle("perSecond", ""),
    ];
  });
  return textTable([headings, ...rows]);
}
