import { expect, test } from "vitest";
import { answeredFailure, isDeadlock, isStaleConnection } from "./mysql-failures.ts";

function answer(errno: number): Error {
  return Object.assign(new Error("as the server said"), { errno, sqlState: "HY000" });
}

const answers = {
  ambiguous: [1053, 1180, 1927],
  retry: [1205, 1213, 1467, 3572, 1317, 1969, 3024, 1020, 1062, 1290, 1792, 1836, 1047, 1412],
  capacity: [1040, 1203, 1226, 1135, 1021, 1026, 1114, 1037, 1038, 1041],
  rows: [1406, 1264, 1690, 1366, 1048, 1071, 1118, 1153, 1301, 3819, 4025],
  fatal: [1045, 1049, 1142, 1146, 99_999],
} as const;

for (const [kind, numbers] of Object.entries(answers)) {
  test.each(numbers as readonly number[])(`an answer with the number %i is ${kind}`, (errno) => {
    expect(answeredFailure(answer(errno))).toBe(kind);
  });
}

test("what waits for one another, and no more, is run again at once", () => {
  const numbers = Object.values(answers).flat();
  expect(numbers.filter((errno) => isDeadlock(answer(errno)))).toEqual([1213, 1467]);
});

test("a connection to a server that does not write any more is not used again", () => {
  const numbers = Object.values(answers).flat();
  const stale = numbers.filter((errno) => isStaleConnection(answer(errno)));
  expect(stale).toEqual([1290, 1792, 1836, 1047]);
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
