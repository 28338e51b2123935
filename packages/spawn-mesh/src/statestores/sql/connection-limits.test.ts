import { describe, expect, test } from "vitest";
import { type ConnectionLimits, resolveConnectionLimits } from "./connection-limits.ts";

const LONGEST_MS = 2 ** 31 - 1;

test("are what the documentation says when nothing is said", () => {
  expect(resolveConnectionLimits({})).toEqual({
    connectionsMax: 8,
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 5_000,
  });
});

describe.each([
  ["connectionsMax", Number.MAX_SAFE_INTEGER],
  ["connectTimeoutMs", LONGEST_MS],
  // The driver waits two seconds longer than the server.
  ["statementTimeoutMs", LONGEST_MS - 2_000],
  ["lockTimeoutMs", LONGEST_MS],
])("%s", (option, most) => {
  test.each([0, -1, 1.5, Number.NaN, Infinity, most + 1, "5", null])("cannot be %s", (value) => {
    const options = { [option]: value } as ConnectionLimits;
    const refused = (): unknown => resolveConnectionLimits(options);
    expect(refused).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    expect(refused).toThrow(`${option}: expected a whole number from 1 to ${most}, got`);
  });

  test.each([1, most])("can be %d", (value) => {
    expect(resolveConnectionLimits({ [option]: value })).toMatchObject({ [option]: value });
  });
});
