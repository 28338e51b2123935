/** Reads vitest's JSON report: how many tests passed, and the names of those that did not. */

export interface Outcome {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
}

/** The part of the report that is read here. */
interface Report {
  readonly testResults: readonly FileReport[];
}

interface FileReport {
  readonly name: string;
  readonly status: "passed" | "failed";
  readonly assertionResults: readonly TestReport[];
}

interface TestReport {
  readonly fullName: string;
  readonly status: string;
}

/** @param root the folder that the names of files are shortened by */
export function outcomeOf(report: string, root: string): Outcome {
  const { testResults } = JSON.parse(report) as Report;
  const tests = testResults.flatMap((file) => testsOf(file, root));
  const named = (matches: (status: string) => boolean): readonly string[] =>
    tests.filter(({ status }) => matches(status)).map(({ fullName }) => fullName);
  return {
    passed: named((status) => status === "passed").length,
    failed: named((status) => status === "failed"),
    skipped: named((status) => status !== "passed" && status !== "failed"),
  };
}

function testsOf(
  { name, status, assertionResults }: FileReport,
  root: string,
): readonly TestReport[] {
  const path = name.replace(`${root}/`, "");
  const tests = assertionResults.map((test) => ({
    fullName: test.fullName.startsWith(path) ? test.fullName : `${path} ${test.fullName}`,
    status: test.status,
  }));
  // A file that cannot be loaded has no test that could fail: the file counts as one.
  const isBroken = status === "failed" && tests.every((test) => test.status !== "failed");
  return isBroken ? [...tests, { fullName: path, status: "failed" }] : tests;
}
