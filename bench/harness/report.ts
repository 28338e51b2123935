/** The table: medians over the rounds, ratios between what ran side by side, goals. */
import { round } from "./histogram.ts";
import type { Line } from "./measure.ts";
import type { Goal, Peer, WorkloadEntry } from "./workloads.ts";

/** Everything that was measured for a workload: one line a round. */
export interface Measured {
  readonly workload: WorkloadEntry;
  readonly ours: Line[];
  readonly floor: Line[];
  readonly peers: Map<Peer, Line[]>;
}

const HEADINGS = [
  "workload",
  "ours/s",
  "floor/s",
  "× floor",
  "target",
  "moonshot",
  "CPU µs",
  "peers",
  "p50",
  "p99",
];
const PEER_NAMES: Readonly<Record<Peer, string>> = {
  genserver: "GenServer",
  restate: "Restate",
  "row-by-row": "row by row",
};
const FOREIGN_CORES_NOISY = 0.3;

export function tableOf(all: readonly Measured[]): string {
  const rows = [HEADINGS, ...all.flatMap(rowsOf)];
  return [textTable(rows), ...notesOf(all)].join("\n");
}

/** Rows as text, their cells one below the other. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)));
  return lines.map((cells) => cells.join("  ").trimEnd()).join("\n");
}

function rowsOf(measured: Measured): readonly (readonly string[])[] {
  const { workload, ours, floor, peers } = measured;
  const others = [...peers].map(
    ([peer, lines]) => `${PEER_NAMES[peer]} ${rate(lines)} (${times(ratio(ours, lines))})`,
  );
  const row = [
    workload.name,
    rate(ours),
    rate(floor),
    times(ratio(ours, floor)),
    (workload.target ?? []).map((goal) => goalText(measured, goal)).join(", "),
    workload.moonshot === undefined ? "" : goalText(measured, workload.moonshot),
    [ours, floor]
      .filter((lines) => lines.length > 0)
      .map(cpuMicroseconds)
      .join(" / "),
    others.join(", "),
    microseconds(median(ours.map(({ p50us }) => p50us ?? NaN))),
    microseconds(median(ours.map(({ p99us }) => p99us ?? NaN))),
  ];
  const hasHeap = ours.some(({ heapBytesPerActor }) => heapBytesPerActor !== undefined);
  return workload.name.startsWith("W4") && hasHeap ? [row, memoryRow(measured)] : [row];
}

function memoryRow({ workload, ours, floor, peers }: Measured): readonly string[] {
  const heap = median(ours.map(({ heapBytesPerActor }) => heapBytesPerActor ?? NaN));
  const limits = workload.heapMaxBytes?.map((max) => `≤ ${max} B ${mark(heap <= max)}`);
  const others = [...peers].map(
    ([peer, lines]) => `${PEER_NAMES[peer]} RSS ${residentBytes(lines)}`,
  );
  const own = `${Math.round(heap)} B`;
  const floorHeap = floor.some(({ heapBytesPerActor }) => heapBytesPerActor !== undefined)
    ? `${Math.round(median(floor.map(({ heapBytesPerActor }) => heapBytesPerActor ?? NaN)))} B`
    : "";
  return [
    "  heap an actor",
    own,
    floorHeap,
    "",
    limits?.[0] ?? "",
    limits?.[1] ?? "",
    "",
    others.join(", "),
    `RSS ${residentBytes(ours)}`,
    "",
  ];
}

function goalText(measured: Measured, { times: least, of }: Goal): string {
  const against = of === "floor" ? measured.floor : measured.peers.get(of);
  const floor = measured.workload.beside ?? "floor";
  const text = `≥ ${least} × ${of === "floor" ? floor : PEER_NAMES[of]}`;
  if (against === undefined || against.length === 0) return `${text} ?`;
  return `${text} ${mark(ratio(measured.ours, against) >= least)}`;
}

/** The median of the rounds' ratios: what ran one after the other shares its disturbance. */
function ratio(ours: readonly Line[], others: readonly Line[]): number {
  return median(
    ours.flatMap((line, round) =>
      others[round] === undefined ? [] : line.opsPerSec / others[round].opsPerSec,
    ),
  );
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function rate(lines: readonly Line[]): string {
  if (lines.length === 0) return "";
  const perSecond = median(lines.map(({ opsPerSec }) => opsPerSec));
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M`;
  return perSecond >= 1e4 ? `${Math.round(perSecond / 1e3)} k` : `${Math.round(perSecond)}`;
}

function residentBytes(lines: readonly Line[]): string {
  return `${Math.round(median(lines.map(({ bytesPerActor }) => bytesPerActor ?? NaN)))} B`;
}

/** Of a call, in all threads: other programs disturb it less than the rate. */
function cpuMicroseconds(lines: readonly Line[]): string {
  const value = median(lines.map(({ cpuUsPerOp }) => cpuUsPerOp));
  return value >= 100 ? `${Math.round(value)}` : value.toPrecision(2);
}

function times(value: number): string {
  return Number.isNaN(value) ? "" : `${value >= 10 ? Math.round(value) : value.toFixed(2)} ×`;
}

function microseconds(value: number): string {
  if (Number.isNaN(value)) return "";
  return value >= 1000
    ? `${(value / 1000).toFixed(1)} ms`
    : `${value >= 10 ? Math.round(value) : value.toFixed(1)} µs`;
}

function mark(isReached: boolean): string {
  return isReached ? "✓" : "✗";
}

function notesOf(all: readonly Measured[]): readonly string[] {
  const notes: string[] = [];
  const noisy = all.filter(({ ours, floor }) =>
    [...ours, ...floor].some(({ foreignCores }) => foreignCores > FOREIGN_CORES_NOISY),
  );
  if (noisy.length > 0)
    notes.push(
      `Noisy, other programs took more than ${FOREIGN_CORES_NOISY} cores: ${noisy.map(({ workload }) => workload.name).join(", ")}.`,
    );
  for (const { workload, ours } of all) {
    const commits = ours.flatMap(({ commitsPerGroup }) => commitsPerGroup ?? []);
    const rows = ours.flatMap(({ rowsPerGroup }) => rowsPerGroup ?? []);
    if (commits.length > 0)
      notes.push(
        `${workload.name}: ${round(median(commits))} commits of the database for a group of ours, which has ${Math.round(median(rows))} actors.`,
      );
  }
  const beside = all.flatMap(({ workload }) => workload.beside ?? []);
  if (beside.length > 0)
    notes.push(
      `effects: an operation is a call or a message consumed, and the floor is our own ${beside[0]}, calls without messages.`,
    );
  const peers = new Set(all.flatMap((measured) => [...measured.peers.keys()]));
  if (peers.has("genserver")) notes.push("GenServer keeps nothing and uses both cores.");
  if (peers.has("restate"))
    notes.push(
      "Restate syncs to its disk and pays an HTTP hop to its own process for each call, as its users do.",
    );
  return notes.length > 0 ? ["", ...notes] : [];
}
