import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";
import { TIMEOUT_MS_MAX } from "./limits.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([1, TIMEOUT_MS_MAX, TIMEOUT_MS_MAX + 1, 3 * TIMEOUT_MS_MAX])(
  "a timer of %i ms fires once when all of them have passed, and not before",
  (delayMs) => {
    const action = vi.fn<() => void>();
    systemClock.timer(delayMs, action);
    vi.advanceTimersByTime(delayMs - 1);
    expect(action).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(action).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(TIMEOUT_MS_MAX);
    expect(action).toHaveBeenCalledTimes(1);
  },
);

test("a timer that is longer than Node counts to can be taken back in each of its parts", () => {
  const action = vi.fn<() => void>();
  const timer = systemClock.timer(2 * TIMEOUT_MS_MAX, action);
  vi.advanceTimersByTime(TIMEOUT_MS_MAX + 1);
  timer.cancel();
  vi.advanceTimersByTime(2 * TIMEOUT_MS_MAX);
  expect(action).not.toHaveBeenCalled();
});
