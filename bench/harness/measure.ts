/**
 * Measures one workload and prints one JSON line: the protocol between `bin/bench` and the programs
 * it starts. Warm-up, a wait for quiet, then the run, with the CPU and memory it took.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { closedLoop, eachOnce } from "./drive.ts";
import type { DriveOptions, Operation } from "./drive.ts";
import { round } from "./histogram.ts";
import { cpuSeconds, descendants, quiet, residentMib, watchDisturbance } from "./processes.ts";

export interface Workload {
  readonly peer: string;
  readonly workload: string;
  /** In words: what is certain when a call is answered. */
  readonly durability: string;
  readonly inflight: number;
  readonly actors: number;
  readonly op: Operation;
  /** Operations that one call stands for: itself and what it sets off. Default 1. */
  readonly opsPerCall?: number;
  /** Resolves when all that was set off is done too; the clock runs until then. */
  readonly untilDone?: () => Promise<void>;
  /** Call every index below this once, instead of for a time. */
  readonly once?: number;
  /** Called once for every actor before anything is measured. */
  readonly prime?: Operation;
  readonly sampleEvery?: number;
  /** Other processes of the system under test, and all that these start. */
  readonly pids?: readonly number[];
  /** Asked at the end for more to print. */
  readonly more?: () => Promise<Partial<Line>>;
  /** Waited for before memory is measured, so that all is idle. */
  readonly settleMs?: number;
}

/** A measured workload, as it is printed. The fields are explained in README.md. */
export interface Line {
  readonly peer: string;
  readonly workload: string;
  readonly opsPerSec: number;
  readonly p50us: number | null;
  readonly p99us: number | null;
  /** CPU of a call in all threads and processes. */
  readonly cpuUsPerOp: number;
  readonly foreignCores: number;
  readonly bytesPerActor?: number;
  readonly heapBytesPerActor?: number;
  /** Commits that the database counted, for one group of commits that ours gave it. */
  readonly commitsPerGroup?: number;
  /** Actors in one such group. */
  readonly rowsPerGroup?: number;
}

/** Of calls so cheap that the clock would be felt; prime, so that it meets no period of the system's. */
export const SAMPLE_EVERY = 17;
const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 3);
const WARMUP_SECONDS = Number(process.env["BENCH_WARMUP"] ?? 1);
/**
 * As many calls as it takes until nearly all code is compiled for good. Where one call waits for the
 * disk, a second is too short for that, and the compiler would be measured.
 */
const WARMUP_CALLS = 30_000;
const WARMUP_MORE_SECONDS_MAX = 6;
const QUIET_MS = Number(process.env["BENCH_QUIET_MS"] ?? 3_000);
const MIB = 2 ** 20;

export async function measure(workload: Workload): Promise<void> {
  const { peer, durability, inflight, actors, op, once, prime, pids = [], settleMs = 0 } = workload;
  const { sampleEvery = 1, opsPerCall = 1, untilDone } = workload;
  const drive = { op, inflight, sampleEvery, untilDone };
  if (prime !== undefined) await eachOnce({ ...drive, op: prime }, actors);
  if (once === undefined) await warmUp(drive);
  await quiet(QUIET_MS);
  collect();
  // A database starts a process for a connection, when there is one.
  const others = (): readonly number[] =>
    [...new Set(pids.flatMap(descendants))].filter((pid) => pid !== process.pid);
  const before = usage(others());
  const endDisturbance = watchDisturbance();
  const driven =
    once === undefined ? await closedLoop(drive, SECONDS) : await eachOnce(drive, once);
  const ops = driven.calls * opsPerCall;
  const cpu = usage(others());
  const disturbance = endDisturbance();
  if (settleMs > 0) await sleep(settleMs);
  if (once !== undefined) collect();
  const after = usage(others());
  const driverSeconds = cpu.driverSeconds - before.driverSeconds;
  const serverSeconds = cpu.serverSeconds - before.serverSeconds;
  print({
    peer,
    workload: workload.workload,
    durability,
    inflight,
    actors,
    ops,
    seconds: round(driven.seconds),
    opsPerSec: Math.round(ops / driven.seconds),
    p50us: driven.latencies.percentileUs(0.5),
    p99us: driven.latencies.percentileUs(0.99),
    cpuDriverS: round(driverSeconds),
    cpuServerS: pids.length > 0 ? round(serverSeconds) : null,
    cpuUsPerOp: round(((driverSeconds + serverSeconds) * 1e6) / ops),
    rssMiB: round(after.rssMib),
    ...disturbance,
    ...(once !== undefined && {
      rssDeltaMiB: round(after.rssMib - before.rssMib),
      bytesPerActor: Math.round(((after.rssMib - before.rssMib) * MIB) / once),
    }),
    ...(once !== undefined &&
      pids.length === 0 && {
        heapBytesPerActor: Math.round((after.heapBytes - before.heapBytes) / once),
      }),
    ...(await workload.more?.()),
  });
}

async function warmUp(drive: DriveOptions): Promise<void> {
  const { calls, seconds } = await closedLoop(drive, WARMUP_SECONDS);
  const missing = ((WARMUP_CALLS - calls) * seconds) / Math.max(calls, 1);
  if (missing > 0) await closedLoop(drive, Math.min(missing, WARMUP_MORE_SECONDS_MAX));
}

/**
 * Collects all garbage and gives the pages that held it back to the system, as Node does when memory
 * runs short. Without that the resident memory tells how large the heap once was.
 */
function collect(): void {
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}

function print(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Actors that are called at random come from here, the same in every run. */
export function seededPick(): (below: number) => number {
  let bits = 0x9e3779b9 | 0;
  return (below) => {
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    return (bits >>> 0) % below;
  };
}

function usage(others: readonly number[]): {
  readonly driverSeconds: number;
  readonly serverSeconds: number;
  readonly rssMib: number;
  readonly heapBytes: number;
} {
  const { user, system } = process.cpuUsage();
  const { heapUsed, external } = process.memoryUsage();
  const measured = others.length > 0 ? others : [process.pid];
  return {
    driverSeconds: (user + system) / 1e6,
    serverSeconds: others.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    rssMib: measured.reduce((sum, pid) => sum + residentMib(pid), 0),
    heapBytes: heapUsed + external,
  };
}
