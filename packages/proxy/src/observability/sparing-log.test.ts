import { expect, test } from "vitest";
import { sparingLog } from "./sparing-log.ts";

test("what happens very often fills no log, and how often it did is said", () => {
  let now = 0;
  const lines: [string, object | undefined][] = [];
  const log = sparingLog(
    (_level, event, fields) => lines.push([event, fields]),
    () => now,
  );
  for (let count = 0; count < 1_000; count++) log("warning", "refused", { reason: "no" });
  expect(lines).toHaveLength(10);
  expect(lines[0]).toEqual(["refused", { reason: "no" }]);
  log("warning", "fenced");
  expect(lines[10]).toEqual(["fenced", {}]);
  now = 1_000;
  log("warning", "refused", { reason: "no" });
  log("warning", "refused", { reason: "no" });
  expect(lines[11]).toEqual(["refused", { reason: "no", untold: 990 }]);
  expect(lines[12]).toEqual(["refused", { reason: "no" }]);
});
