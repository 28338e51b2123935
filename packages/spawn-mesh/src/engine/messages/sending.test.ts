import { expect, test } from "vitest";
import { systemClock } from "../clock.ts";
import { defaultLimits } from "../limits.ts";
import { noCronTimes } from "./repetition.ts";
import { composeCall, storedAs } from "./sending.ts";
import type { SendOptions } from "./send-options.ts";

const HOUR_MS = 3_600_000;
const NOW = 100 * HOUR_MS;

/** A message that was made by a clock that is ahead, and is stored after that was set back. */
function storedAfterSetBack(options: SendOptions) {
  const parts = {
    system: "s",
    clock: { ...systemClock, wall: () => NOW + HOUR_MS },
    random: { fraction: () => 0, id: () => "0123456789abcdef" },
    limits: defaultLimits,
    cronTimes: noCronTimes,
  };
  const made = composeCall(parts, { name: "n", request: { ...options, action: "a" } }, undefined);
  const { dueAt, headers } = storedAs(made, { source: undefined, at: NOW, graceMs: 0 });
  return { dueAt, planned: headers.repeat?.plannedAt ?? headers.notBefore };
}

test("a delay is no longer because the clock was set back between the sending and the commit", () => {
  const delayed = { dueAt: NOW + 10_000, planned: NOW + 10_000 };
  expect(storedAfterSetBack({ delayMs: 10_000 })).toEqual(delayed);
  expect(storedAfterSetBack({ everyMs: 10_000 })).toEqual(delayed);
  expect(storedAfterSetBack({ everyMs: 1_000, delayMs: 10_000 })).toEqual(delayed);
});

test("a time that somebody chose stays as it is when the clock is set back before the commit", () => {
  const chosen = NOW + 2 * HOUR_MS;
  const asChosen = { dueAt: chosen, planned: chosen };
  expect(storedAfterSetBack({ scheduledTo: chosen })).toEqual(asChosen);
  expect(storedAfterSetBack({ scheduledTo: chosen, everyMs: 1_000 })).toEqual(asChosen);
});
