import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { AbsentTargets } from "./absent-targets.ts";

test("a message to somebody who is not here comes again after five seconds", () => {
  const clock = new VirtualClock();
  expect(new AbsentTargets(clock).comeBackAt()).toBe(clock.wall() + 5_000);
});

test("many of them come again a hundred a second, and each within five minutes", () => {
  const clock = new VirtualClock();
  const absent = new AbsentTargets(clock);
  const times = Array.from({ length: 100_000 }, () => absent.comeBackAt() - clock.wall());
  const within = (ms: number): number => times.filter((time) => time <= ms).length;
  expect([within(5_999), within(6_999), within(299_999)]).toEqual([100, 200, 29_500]);
  expect(Math.max(...times)).toBe(300_000);
});

test("when there are few again, they come as soon as at first", async () => {
  const clock = new VirtualClock();
  const absent = new AbsentTargets(clock);
  for (let count = 0; count < 1_000; count++) absent.comeBackAt();
  await clock.advance(10_000);
  expect(absent.comeBackAt()).toBe(clock.wall() + 5_000);
});
