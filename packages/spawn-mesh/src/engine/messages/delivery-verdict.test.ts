import { describe, expect, test } from "vitest";
import { reasonOf, verdictOn, verdictOnStep } from "./delivery-verdict.ts";
import type { Verdict } from "./delivery-verdict.ts";
import { SpawnError, errorCodes } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";

describe("the verdict on a failed delivery", () => {
  test.each<[Verdict, readonly ErrorCode[]]>([
    ["gone", ["CANCELLED"]],
    ["again", ["OVERLOADED"]],
    ["retry", ["ACTION_FAILED", "DEADLINE_EXCEEDED", "STATE_CORRUPT", "INTERNAL"]],
    ["impossible", ["ACTOR_NOT_FOUND", "ACTION_NOT_FOUND", "INVALID_ARGUMENT"]],
    ["later", ["SHUTTING_DOWN", "STATESTORE_UNAVAILABLE", "UNKNOWN_OUTCOME"]],
  ])("is `%s` for %s", (verdict, codes) => {
    for (const code of codes) expect(verdictOn(new SpawnError(code, "x"))).toBe(verdict);
  });

  test("is `final` when the actor returned a failure, and not when it threw", () => {
    const failure = { code: "closed", data: undefined };
    expect(verdictOn(new SpawnError("ACTION_FAILED", "x", { failure }))).toBe("final");
    expect(verdictOn(new SpawnError("ACTION_FAILED", "x"))).toBe("retry");
  });

  test("on a step is never to try again what has run: whoever waits is told", () => {
    for (const code of Object.keys(errorCodes) as ErrorCode[]) {
      expect(verdictOnStep(new SpawnError(code, "x"), true)).not.toBe("retry");
    }
    expect(verdictOnStep(new SpawnError("ACTION_FAILED", "x"), true)).toBe("final");
    expect(verdictOnStep(new SpawnError("STATE_CORRUPT", "x"), false)).toBe("retry");
    expect(verdictOnStep(new SpawnError("OVERLOADED", "x"), true)).toBe("again");
  });
});

test("a reason is text that every database takes, of a bounded length", () => {
  expect(reasonOf(new Error("a\0b\ud800c 😀"))).toBe("a\ufffdb\ufffdc 😀");
  // Cut in the middle of a pair.
  const cut = reasonOf(new Error(`${"x".repeat(999)}😀`));
  expect(cut).toBe(`${"x".repeat(999)}\ufffd`);
});
