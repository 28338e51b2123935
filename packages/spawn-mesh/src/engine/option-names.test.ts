import { expect, test } from "vitest";
import { nearestName, noSuchOption } from "./option-names.ts";

const NAMES = ["min", "deadlineMs", "statestore", "rowsPerSecondMax", "inClear", "key"];

test.each([
  ["statestor", "statestore"],
  ["statesotre", "statestore"],
  ["inclear", "inClear"],
  ["deadline", "deadlineMs"],
  ["rowsPerSecond", "rowsPerSecondMax"],
  ["keys", "key"],
  ["mni", "min"],
  ["x", undefined],
  ["", undefined],
  ["timeoutMs", undefined],
  ["z".repeat(1_000_000), undefined],
])("of the options that there are, %.20s is taken for %s", (given, meant) => {
  expect(nearestName(given, NAMES)).toBe(meant);
});

test("an option that is near to none is refused with those that there are", () => {
  const { message } = noSuchOption("it", "speed", ["min", "max"]);
  expect(message).toBe("[INVALID_ARGUMENT] it: there is no option speed; there are min, max");
});
