import { expect, test } from "vitest";
import { answeredFailure, isDeadlock, isUnsent } from "./mssql-failures.ts";

/** As the driver makes them: the answer of the server stands in fields of its error. */
function answer(number: number, severity = 16): Error {
  const fields = { code: "EREQUEST", number, class: severity, state: 1, lineNumber: 1 };
  return Object.assign(new Error("as the server said"), { name: "RequestError", ...fields });
}

test.each([
  [596, "ambiguous"],
  [6001, "ambiguous"],
  [6005, "ambiguous"],
  [6006, "ambiguous"],
  [40197, "ambiguous"],
  [1205, "retry"],
  [1222, "retry"],
  [1204, "retry"],
  [3960, "retry"],
  [3961, "retry"],
  [41301, "retry"],
  [41302, "retry"],
  [41305, "retry"],
  [41325, "retry"],
  [2601, "retry"],
  [2627, "retry"],
  [3906, "retry"],
  [3908, "retry"],
  [976, "retry"],
  [978, "retry"],
  [983, "retry"],
  [40613, "retry"],
  [1101, "capacity"],
  [1105, "capacity"],
  [9002, "capacity"],
  [701, "capacity"],
  [802, "capacity"],
  [8645, "capacity"],
  [8651, "capacity"],
  [17300, "capacity"],
  [10928, "capacity"],
  [10929, "capacity"],
  [40501, "capacity"],
  [40544, "capacity"],
  [49918, "capacity"],
  [49919, "capacity"],
  [49920, "capacity"],
  [2628, "rows"],
  [8152, "rows"],
  [1946, "rows"],
  [511, "rows"],
  [515, "rows"],
  [547, "rows"],
  [220, "rows"],
  [8115, "rows"],
  [7139, "rows"],
  [18456, "fatal"],
  [4060, "fatal"],
  [208, "fatal"],
  [207, "fatal"],
  [229, "fatal"],
  [262, "fatal"],
  [102, "fatal"],
  [99_999, "fatal"],
] as const)("an answer with the number %i is %s", (number, kind) => {
  expect(answeredFailure(answer(number))).toBe(kind);
});

test("an answer that ends the connection is ambiguous, whatever its number", () => {
  expect(answeredFailure(answer(1105, 21))).toBe("ambiguous");
});

test("the first of several answers says why", () => {
  const last = Object.assign(answer(3902), { precedingErrors: [answer(1205)] });
  expect(answeredFailure(last)).toBe("retry");
  expect(isDeadlock(last)).toBe(true);
  expect(isDeadlock(answer(1222))).toBe(false);
});

test("an answer within another error of the driver counts", () => {
  const cause = Object.assign(new Error("deadlock"), { number: 1205 });
  const error = Object.assign(new Error("begin failed"), { originalError: cause });
  expect(answeredFailure(error)).toBe("retry");
});

test.each([
  ["a time-out", Object.assign(new Error("slow"), { name: "RequestError", code: "ETIMEOUT" })],
  [
    "a lost connection",
    Object.assign(new Error("gone"), { name: "RequestError", code: "ESOCKET" }),
  ],
  ["what is no error", "gone"],
])("%s is no answer, and may have come after the batch was sent", (_, error) => {
  expect(answeredFailure(error)).toBeUndefined();
  expect(isUnsent(error)).toBe(false);
});

test.each(["ConnectionError", "TimeoutError"])("nothing was sent before a %s", (name) => {
  expect(isUnsent(Object.assign(new Error("no connection"), { name }))).toBe(true);
});

test("a refused login is fatal, although the driver loses its number", () => {
  const error = Object.assign(new Error("Login failed for user"), {
    name: "ConnectionError",
    code: "ELOGIN",
  });
  expect(answeredFailure(error)).toBe("fatal");
});
