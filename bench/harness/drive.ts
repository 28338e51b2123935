/** The drivers of a workload: a closed loop for a fixed time, or every actor once. */
import { Histogram } from "./histogram.ts";

/** One call; `index` counts all calls. A synchronous one may return anything. */
export type Operation = (index: number) => unknown;

export interface Driven {
  readonly calls: number;
  /** Until all was done that the calls set off. */
  readonly seconds: number;
  readonly latencies: Histogram;
}

export interface DriveOptions {
  readonly op: Operation;
  /** Calls under way at any time. */
  readonly inflight: number;
  /** The latency of every how many-th call is taken; 1 is all. */
  readonly sampleEvery: number;
  /** Resolves when all is done that the calls set off. */
  readonly untilDone?: (() => Promise<void>) | undefined;
}

/** When the clock is too dear to be read for each call, it is read for every 32nd. */
const CLOCK_MASK = 31;

/** Keeps `inflight` calls under way, for so many seconds or until something has happened. */
export async function closedLoop(
  { op, inflight, sampleEvery, untilDone }: DriveOptions,
  end: number | Promise<unknown>,
): Promise<Driven> {
  const latencies = new Histogram();
  let next = 0;
  let calls = 0;
  let isOver = false;
  const startedAt = performance.now();
  const endsAt = typeof end === "number" ? startedAt + end * 1000 : Infinity;
  const finish = (): void => void (isOver = true);
  if (typeof end !== "number") void end.then(finish, finish);
  const worker = async (): Promise<void> => {
    while (!isOver) {
      const index = next++;
      if ((sampleEvery === 1 || (index & CLOCK_MASK) === 0) && performance.now() >= endsAt) {
        isOver = true;
        break;
      }
      if (index % sampleEvery === 0) {
        const calledAt = performance.now();
        await op(index);
        latencies.record((performance.now() - calledAt) * 1e6);
      } else {
        await op(index);
      }
      calls++;
    }
  };
  await Promise.all(Array.from({ length: inflight }, worker));
  await untilDone?.();
  return { calls, seconds: (performance.now() - startedAt) / 1000, latencies };
}

/** Calls `op` exactly once for every index below `total`. */
export async function eachOnce(
  { op, inflight, sampleEvery }: DriveOptions,
  total: number,
): Promise<Driven> {
  const latencies = new Histogram();
  let next = 0;
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    while (next < total) {
      const index = next++;
      const calledAt = performance.now();
      await op(index);
      if (index % sampleEvery === 0) latencies.record((performance.now() - calledAt) * 1e6);
    }
  };
  await Promise.all(Array.from({ length: Math.min(inflight, total) }, worker));
  return { calls: total, seconds: (performance.now() - startedAt) / 1000, latencies };
}
