import { describe, expect, test } from "vitest";
import { checkHistory, type Operation, type Outcome } from "./history-checker.ts";

/** Operations one after the other: each is answered before the next begins. */
function oneByOne(...operations: readonly (readonly [number | undefined, Outcome])[]): Operation[] {
  return operations.map(([element, outcome], index) => ({
    element,
    outcome,
    startedAt: 2 * index,
    endedAt: 2 * index + 1,
  }));
}

const at = (version: number): Outcome => ({ type: "acknowledged", version });
const saw = (...elements: number[]): Outcome => ({
  type: "acknowledged",
  version: elements.length,
  elements,
});
const refused: Outcome = { type: "refused" };
const unknown: Outcome = { type: "unknown" };
const fine = { lost: 0, doubled: 0, stale: 0, ghosts: 0 };

const list = (operations: Operation[], ...elements: number[]) =>
  checkHistory(operations, { length: elements.length, elements });
const counter = (operations: Operation[], length: number) => checkHistory(operations, { length });

describe("the history of a list", () => {
  test("is fine when every answer was true, whatever became of unknown calls", () => {
    const history = oneByOne([7, at(1)], [8, unknown], [undefined, saw(7, 8)], [9, refused]);
    expect(list(history, 7, 8)).toEqual(fine);
    expect(list(oneByOne([7, at(1)], [8, unknown]), 7)).toEqual(fine);
  });

  test("tells what was acknowledged and is not there", () => {
    expect(list(oneByOne([7, at(1)], [8, at(2)]), 7)).toEqual({ ...fine, lost: 1 });
  });

  test("tells what is there twice, and what nobody asked for", () => {
    expect(list(oneByOne([7, at(1)], [8, unknown]), 7, 8, 8, 7)).toEqual({ ...fine, doubled: 2 });
    expect(list([], 7)).toEqual({ ...fine, doubled: 1 });
  });

  test("tells what was refused and is there", () => {
    expect(list(oneByOne([7, refused]), 7)).toEqual({ ...fine, ghosts: 1 });
  });

  test("tells a position that is another element's", () => {
    const together: Operation[] = [
      { element: 7, startedAt: 0, endedAt: 2, outcome: at(2) },
      { element: 8, startedAt: 1, endedAt: 3, outcome: at(1) },
    ];
    expect(list(together, 8, 7)).toEqual(fine);
    expect(list(together, 7, 8)).toEqual({ ...fine, stale: 2 });
  });

  test("tells a read that lacks what was acknowledged before it began, or saw what never was", () => {
    expect(list(oneByOne([7, at(1)], [undefined, saw()]), 7)).toEqual({ ...fine, stale: 1 });
    expect(list(oneByOne([undefined, saw(8)], [7, at(2)]), 7)).toMatchObject({ stale: 2 });
  });

  test("lets a read be as old as its call", () => {
    const together: Operation[] = [
      { element: 7, startedAt: 1, endedAt: 2, outcome: at(1) },
      { element: undefined, startedAt: 0, endedAt: 3, outcome: saw() },
    ];
    expect(list(together, 7)).toEqual(fine);
  });
});

describe("the history of a counter", () => {
  test("is fine when the sum can be explained", () => {
    const history = oneByOne([1, at(1)], [2, unknown], [3, at(3)], [undefined, at(3)]);
    expect(counter(history, 3)).toEqual(fine);
    expect(counter(oneByOne([1, at(1)], [2, unknown]), 1)).toEqual(fine);
  });

  test("tells lost and doubled calls", () => {
    expect(counter(oneByOne([1, at(1)], [2, at(2)]), 1)).toEqual({ ...fine, lost: 1 });
    expect(counter(oneByOne([1, at(1)], [2, at(1)]), 1)).toMatchObject({ lost: 1, stale: 1 });
    expect(counter(oneByOne([1, at(1)], [2, unknown]), 3)).toEqual({ ...fine, doubled: 1 });
  });

  test("tells a read that went back", () => {
    expect(counter(oneByOne([1, at(1)], [undefined, at(0)]), 1)).toEqual({ ...fine, stale: 1 });
  });
});
