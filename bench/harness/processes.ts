/** CPU and memory of processes, and of everything else on the machine, from /proc (Linux). */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { round } from "./histogram.ts";

const TICK_SECONDS = 1 / 100;
const PAGE_BYTES = 4096;
const MIB = 2 ** 20;
const QUIET_STEP_MS = 300;
/** Foreign CPU within one step that still counts as quiet: a tenth of a core. */
const QUIET_STEP_CPU_SECONDS = 0.03;

/** What disturbed a measurement: CPU of processes that are not ours, and what the hypervisor took. */
export interface Disturbance {
  readonly foreignCores: number;
  readonly stealCores: number;
}

export function cpuSeconds(pid: number): number {
  const fields = statOf(pid);
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) * TICK_SECONDS;
}

export function residentMib(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    return (pages * PAGE_BYTES) / MIB;
  } catch {
    return 0;
  }
}

/** `root` and all processes below it. */
export function descendants(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const fields = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (fields === undefined) continue;
    const parent = Number(fields[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  // The list grows while it is walked.
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** Begins to watch for disturbance; the answer ends it. */
export function watchDisturbance(): () => Disturbance {
  const machine = machineCpu();
  const own = ownCpuSeconds();
  const startedAt = performance.now();
  return () => {
    const now = machineCpu();
    const seconds = (performance.now() - startedAt) / 1000;
    const foreign = now.busy - machine.busy - (ownCpuSeconds() - own);
    return {
      foreignCores: round(Math.max(0, foreign) / seconds),
      stealCores: round((now.steal - machine.steal) / seconds),
    };
  };
}

/** Waits until others leave the machine alone, `maxMs` at most. */
export async function quiet(maxMs: number): Promise<void> {
  const giveUpAt = performance.now() + maxMs;
  while (performance.now() < giveUpAt) {
    const busy = machineCpu().busy;
    const own = ownCpuSeconds();
    await sleep(QUIET_STEP_MS);
    if (machineCpu().busy - busy - (ownCpuSeconds() - own) < QUIET_STEP_CPU_SECONDS) return;
  }
}

/** The fields of /proc/PID/stat behind the name, which may contain anything. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function machineCpu(): { readonly busy: number; readonly steal: number } {
  const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0]!;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return {
    busy: (user + nice + system + irq + softirq) * TICK_SECONDS,
    steal: steal * TICK_SECONDS,
  };
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  const others = descendants(process.pid).filter((pid) => pid !== process.pid);
  return (user + system) / 1e6 + others.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}
