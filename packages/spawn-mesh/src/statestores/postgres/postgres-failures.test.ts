import { expect, test } from "vitest";
import { answeredFailure, isDeadlock, isRace, isStaleConnection } from "./postgres-failures.ts";

function answer(code: string): Error {
  return Object.assign(new Error("as the server said"), { code, severity: "ERROR" });
}

test.each([
  ["08006", "ambiguous"],
  ["08003", "ambiguous"],
  ["57P01", "ambiguous"],
  ["57P02", "ambiguous"],
  ["57P05", "ambiguous"],
  ["40003", "ambiguous"],
  ["25P03", "ambiguous"],
  ["40001", "retry"],
  ["40P01", "retry"],
  ["55P03", "retry"],
  ["57014", "retry"],
  ["57P03", "retry"],
  ["58030", "retry"],
  ["25006", "retry"],
  ["23505", "retry"],
  ["42710", "retry"],
  ["42P07", "retry"],
  ["55006", "retry"],
  ["25001", "retry"],
  ["25P02", "retry"],
  ["0A000", "retry"],
  ["26000", "retry"],
  ["53000", "capacity"],
  ["53100", "capacity"],
  ["53200", "capacity"],
  ["53300", "capacity"],
  ["22001", "rows"],
  ["22021", "rows"],
  ["22P05", "rows"],
  ["23502", "rows"],
  ["23514", "rows"],
  ["54000", "rows"],
  ["42P01", "fatal"],
  ["42501", "fatal"],
  ["28P01", "fatal"],
  ["3D000", "fatal"],
  ["XX000", "fatal"],
  ["", "fatal"],
] as const)("an answer with the code %s is %s", (code, kind) => {
  expect(answeredFailure(answer(code))).toBe(kind);
});

test.each([
  ["an error of Node", Object.assign(new Error("gone"), { code: "ECONNRESET" })],
  ["an error without a code", new Error("Connection terminated unexpectedly")],
  ["what is no error", "gone"],
])("%s is no answer", (_, error) => {
  expect(answeredFailure(error)).toBeUndefined();
});

test.each([
  ["40001", true],
  ["40P01", true],
  ["40003", false],
  ["55P03", false],
])("an answer with the code %s is run again at once: %s", (code, isRunAgain) => {
  expect(isDeadlock(answer(code))).toBe(isRunAgain);
});

test.each([
  ["25006", true],
  ["26000", true],
  ["0A000", true],
  ["57P01", true],
  ["57014", false],
  ["40001", false],
  ["23505", false],
])("an answer with the code %s is the last of its connection: %s", (code, isLast) => {
  expect(isStaleConnection(answer(code))).toBe(isLast);
});

test.each([
  ["an entry of the catalogue", "23505"],
  ["a type", "42710"],
  ["a table", "42P07"],
])("%s that another process makes at the same moment is there a moment later", (_, code) => {
  expect(isRace(answer(code))).toBe(true);
});

test("who may not make a table is in nobody's way", () => {
  expect(isRace(answer("42501"))).toBe(false);
});
