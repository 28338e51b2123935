import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { resolveLimits } from "../limits.ts";
import { TargetLoads } from "./target-loads.ts";

function loadsOf(deliveriesPerTargetMax: number): { clock: VirtualClock; loads: TargetLoads } {
  const clock = new VirtualClock();
  return { clock, loads: new TargetLoads(clock, resolveLimits({ deliveriesPerTargetMax })) };
}

test("a target may have so many under way, and no more than that", () => {
  const { loads } = loadsOf(2);
  expect([loads.isTooMuch("a", 2), loads.isTooMuch("a", 3)]).toEqual([false, true]);
  loads.begin("a");
  expect([loads.isTooMuch("a", 1), loads.isTooMuch("a", 2)]).toEqual([false, true]);
  loads.begin("a");
  expect([loads.isTooMuch("a", 1), loads.isTooMuch("b", 1)]).toEqual([true, false]);
  loads.end("a");
  expect(loads.isTooMuch("a", 1)).toBe(false);
});

test("what was sent back comes again as fast as the target works", async () => {
  const { clock, loads } = loadsOf(1);
  loads.begin("a");
  for (let ended = 0; ended < 100; ended++) {
    loads.end("a");
    loads.begin("a");
  }
  const at = clock.wall();
  const waits = Array.from({ length: 3 }, () => loads.comeBackAt("a") - at);
  expect(waits).toEqual([100, 110, 120]);
  await clock.advance(1_500);
  expect(loads.comeBackAt("a") - clock.wall()).toBe(100);
});

test("what was sent back of a target that hangs comes again within half a minute, not all at once", async () => {
  const { clock, loads } = loadsOf(1);
  loads.begin("a");
  await clock.advance(10_000);
  const waits = Array.from({ length: 1_000 }, () => loads.comeBackAt("a") - clock.wall());
  expect(waits[1]! - waits[0]!).toBe(1_000);
  expect(Math.max(...waits)).toBe(30_000);
});
