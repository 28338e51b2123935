import { describe, expect, test } from "vitest";
import { outcomeOf } from "./test-report.ts";

const ERROR = "AssertionError: expected 1 to be 2\n\n- 2\n+ 1\n    at /repository/mailbox.ts:3:5";

function file(name: string, status: string, tests: Readonly<Record<string, string>>) {
  const assertionResults = Object.entries(tests).map(([title, status]) => ({
    ancestorTitles: ["a mailbox"],
    title,
    status,
    failureMessages: status === "failed" ? [ERROR] : [],
  }));
  return { name: `/repository/${name}`, status, message: "", assertionResults };
}

function outcome(...testResults: readonly unknown[]) {
  return outcomeOf(JSON.stringify({ testResults }), "/repository");
}

describe("outcomeOf", () => {
  test("counts what passed and names what did not, why, and how to run it alone", () => {
    const mailbox = { "is bounded": "passed", "is fair": "failed", "needs strace": "skipped" };
    expect(outcome(file("mailbox.test.ts", "failed", mailbox))).toEqual({
      passed: 1,
      failed: [
        {
          name: "mailbox.test.ts a mailbox is fair",
          message: "AssertionError: expected 1 to be 2\n\n- 2\n+ 1",
          alone: "npm test -- mailbox.test.ts -t '^a mailbox > is fair$'",
        },
      ],
      skipped: ["mailbox.test.ts a mailbox needs strace"],
    });
  });

  test("writes names as a shell and a pattern take them literally", () => {
    const { failed } = outcome(file("a.test.ts", "failed", { "isn't $1 (or a\nb)": "failed" }));
    expect(failed[0]?.alone).toBe(
      String.raw`npm test -- a.test.ts -t '^a mailbox > isn'\''t \$1 \(or a\sb\)$'`,
    );
  });

  test("gives a test with a seed that seed", () => {
    const { failed } = outcome(file("a.test.ts", "failed", { "answers, seed 17": "failed" }));
    expect(failed[0]?.alone).toBe(
      "SPAWN_TEST_SEED=17 npm test -- a.test.ts -t '^a mailbox > answers, seed 17$'",
    );
  });

  test("says of an error no more than some lines", () => {
    const long = file("a.test.ts", "failed", { a: "failed" });
    long.assertionResults[0]!.failureMessages = ["line\n".repeat(1_000)];
    expect(outcome(long).failed[0]?.message.split("\n")).toHaveLength(12);
  });

  test("takes a test that was never run for skipped, not for passed", () => {
    const { passed, skipped } = outcome(
      file("a.test.ts", "passed", { a: "pending", b: "todo", c: "disabled" }),
    );
    expect({ passed, skipped: skipped.length }).toEqual({ passed: 0, skipped: 3 });
  });

  test("counts a file that cannot be loaded, or fails outside of its tests, as one that failed", () => {
    const broken = { ...file("a.test.ts", "failed", {}), message: "Error: cannot find b.ts" };
    expect(outcome(broken).failed).toEqual([
      { name: "a.test.ts", message: "Error: cannot find b.ts", alone: "npm test -- a.test.ts" },
    ]);
    expect(outcome(file("a.test.ts", "failed", { one: "passed" }))).toMatchObject({
      passed: 1,
      failed: [{ name: "a.test.ts" }],
      skipped: [],
    });
  });
});
