import { expect, test } from "vitest";
import { compareMirror } from "./store-report.ts";

test.each([
  ["the same", [1, 2, 3], [1, 2, 3], { consumed: 3, lost: 0, doubled: 0, disordered: 0 }],
  ["one less", [1, 2, 3], [1, 3], { consumed: 2, lost: 1, doubled: 0, disordered: 0 }],
  ["one twice", [1, 2], [1, 2, 2], { consumed: 3, lost: 0, doubled: 1, disordered: 0 }],
  ["one that nobody sent", [1], [1, 2], { consumed: 2, lost: 0, doubled: 1, disordered: 0 }],
  ["another order", [1, 2], [2, 1], { consumed: 2, lost: 0, doubled: 0, disordered: 1 }],
])("a mirror with %s is told from one that is not", (...[, elements, mirror, verdict]) => {
  expect(compareMirror(elements, mirror)).toEqual(verdict);
});
