import { describe, expect, test } from "vitest";
import { outcomeOf } from "./test-report.ts";

function file(name: string, status: string, tests: Readonly<Record<string, string>>) {
  const assertionResults = Object.entries(tests).map(([fullName, status]) => ({
    fullName,
    status,
  }));
  return { name: `/repository/${name}`, status, assertionResults };
}

function outcome(...testResults: readonly unknown[]) {
  return outcomeOf(JSON.stringify({ testResults }), "/repository");
}

describe("outcomeOf", () => {
  test("counts what passed and names what did not", () => {
    const mailbox = { "is bounded": "passed", "is fair": "failed", "needs strace": "skipped" };
    expect(outcome(file("mailbox.test.ts", "failed", mailbox))).toEqual({
      passed: 1,
      failed: ["mailbox.test.ts is fair"],
      skipped: ["mailbox.test.ts needs strace"],
    });
  });

  test("takes a test that was never run for skipped, not for passed", () => {
    const { passed, skipped } = outcome(
      file("a.test.ts", "passed", { a: "pending", b: "todo", c: "disabled" }),
    );
    expect({ passed, skipped: skipped.length }).toEqual({ passed: 0, skipped: 3 });
  });

  test("counts a file that cannot be loaded, or fails outside of its tests, as one that failed", () => {
    expect(outcome(file("a.test.ts", "failed", {})).failed).toEqual(["a.test.ts"]);
    expect(outcome(file("a.test.ts", "failed", { one: "passed" }))).toEqual({
      passed: 1,
      failed: ["a.test.ts"],
      skipped: [],
    });
  });
});
