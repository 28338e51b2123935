/**
 * PORT: time and randomness.
 *
 * The engine never touches the real clock, so that a simulation runs the very lines that production
 * runs. `systemClock` and `systemRandom` are the only code of the engine that touch the real ones.
 */

import { TIMEOUT_MS_MAX } from "./limits.ts";

/** A timer that was set and can be taken back. */
export interface Timer {
  cancel(): void;
}

/** How a timer behaves. */
export interface TimerOptions {
  /** Whether the timer keeps the process alive until it fires. Default `false`. */
  readonly keepAlive?: boolean;
}

/** Time, as the engine has it: the real one in production, a virtual one in tests and simulations. */
export interface Clock {
  /** Milliseconds of a clock that never goes back; only differences mean anything. */
  monotonic(): number;
  /** Milliseconds since 1970, as people and databases know it. */
  wall(): number;
  /** Runs `action` once, not before `delayMs` milliseconds have passed. */
  timer(delayMs: number, action: () => void, options?: TimerOptions): Timer;
  /** Runs `action` soon, after input and output that is ready has had its turn. */
  yield(action: () => void): void;
}

/** Randomness, as the engine has it: from a seed in simulations. */
export interface Random {
  /** 16 random bytes as a string of 16 latin-1 characters, one a byte: cheap to compare and to send. */
  id(): string;
  /** A number from 0 (included) to 1 (excluded). */
  fraction(): number;
}

/** Kept, because Node's global is a getter and time is asked for with every call. */
const stopwatch = performance;

/** The real clock. Timers do not keep the process alive unless they are told to. */
export const systemClock: Clock = {
  monotonic: () => stopwatch.now(),
  wall: () => Date.now(),
  timer(delayMs, action, options) {
    let timeout: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      // Node would take a longer time for none.
      const laterMs = leftMs - TIMEOUT_MS_MAX;
      timeout =
        laterMs > 0 ? setTimeout(() => wait(laterMs), TIMEOUT_MS_MAX) : setTimeout(action, leftMs);
      if (options?.keepAlive !== true) timeout.unref();
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
  yield: (action) => void setImmediate(action),
};

const ID_BYTES = 16;
const POOL_BYTES = ID_BYTES * 256;

/** Real randomness, drawn from the platform's generator a pool at a time. */
export function systemRandom(): Random {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  return {
    id() {
      if (used === POOL_BYTES) {
        crypto.getRandomValues(pool);
        used = 0;
      }
      used += ID_BYTES;
      return pool.toString("latin1", used - ID_BYTES, used);
    },
    fraction: () => Math.random(),
  };
}

/** Resolves after `delayMs` milliseconds, or when `signal` is aborted; keeps the process alive until then. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.timer(delayMs, end, { keepAlive: true });
    if (signal?.aborted === true) end();
    else signal?.addEventListener("abort", end);
  });
}
