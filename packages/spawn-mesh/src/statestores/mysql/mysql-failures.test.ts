import { expect, test } from "vitest";
import { answeredFailure } from "./mysql-failures.ts";

function answer(errno: number): Error {
  return Object.assign(new Error("as the server said"), { errno, sqlState: "HY000" });
}

test.each([
  [1053, "ambiguous"],
  [1180, "ambiguous"],
  [1205, "retry"],
  [1213, "retry"],
  [1969, "retry"],
  [3024, "retry"],
  [1062, "retry"],
  [1290, "retry"],
  [1040, "capacity"],
  [1203, "capacity"],
  [1021, "capacity"],
  [1114, "capacity"],
  [1406, "rows"],
  [1264, "rows"],
  [1153, "rows"],
  [4025, "rows"],
  [1045, "fatal"],
  [1049, "fatal"],
  [1142, "fatal"],
  [1146, "fatal"],
  [99_999, "fatal"],
] as const)("an answer with the number %i is %s", (errno, kind) => {
  expect(answeredFailure(answer(errno))).toBe(kind);
});

test.each([
  ["an error of Node", Object.assign(new Error("gone"), { code: "ECONNRESET", errno: -104 })],
  [
    "an error of the driver",
    Object.assign(new Error("lost"), { code: "PROTOCOL_CONNECTION_LOST" }),
  ],
  ["what is no error", "gone"],
])("%s is no answer", (_, error) => {
  expect(answeredFailure(error)).toBeUndefined();
});
