/** Reads vitest's JSON report: how many tests passed, which did not, why, and how each is run alone. */

export interface Outcome {
  readonly passed: number;
  readonly failed: readonly Failure[];
  readonly skipped: readonly string[];
}

export interface Failure {
  readonly name: string;
  /** The words of the error, without where it came from. */
  readonly message: string;
  /** The command that runs it and nothing else. */
  readonly alone: string;
}

/** The part of the report that is read here. */
interface Report {
  readonly testResults: readonly FileReport[];
}

interface FileReport {
  readonly name: string;
  readonly status: "passed" | "failed";
  /** Why the file could not be loaded. */
  readonly message: string;
  readonly assertionResults: readonly TestReport[];
}

interface TestReport {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

/** @param root the folder that the names of files are shortened by */
export function outcomeOf(report: string, root: string): Outcome {
  const { testResults } = JSON.parse(report) as Report;
  const files = testResults.map((file) => outcomeOfFile(file, file.name.replace(`${root}/`, "")));
  return {
    passed: files.reduce((sum, { passed }) => sum + passed, 0),
    failed: files.flatMap(({ failed }) => failed),
    skipped: files.flatMap(({ skipped }) => skipped),
  };
}

function outcomeOfFile({ status, message, assertionResults }: FileReport, path: string): Outcome {
  const of = (matches: (status: string) => boolean): readonly TestReport[] =>
    assertionResults.filter((test) => matches(test.status));
  const failed = of((status) => status === "failed").map((test) => failureOf(test, path));
  // A file that cannot be loaded has no test that could fail: the file counts as one.
  const isBroken = status === "failed" && failed.length === 0;
  const broken = { name: path, message: wordsOf(message), alone: `npm test -- ${path}` };
  return {
    passed: of((status) => status === "passed").length,
    failed: isBroken ? [broken] : failed,
    skipped: of((status) => status !== "passed" && status !== "failed").map(
      (test) => `${path} ${namesOf(test).join(" ")}`,
    ),
  };
}

function failureOf(test: TestReport, path: string): Failure {
  const pattern = `^${literally(namesOf(test).join(" > "))}$`;
  // A seed that was drawn is in the name, and drawn again when it is given.
  const seed = /seed (\d+)$/.exec(test.title)?.[1];
  const given = seed === undefined ? "" : `SPAWN_TEST_SEED=${seed} `;
  return {
    name: `${path} ${namesOf(test).join(" ")}`,
    message: test.failureMessages.map(wordsOf).join("\n"),
    alone: `${given}npm test -- ${path} -t '${pattern.replaceAll("'", String.raw`'\''`)}'`,
  };
}

function namesOf({ ancestorTitles, title }: TestReport): readonly string[] {
  return [...ancestorTitles, title];
}

/** As a regular expression that matches nothing else; lines of a name end where they do. */
function literally(name: string): string {
  return name
    .replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
    .replaceAll(/[^\S ]/g, String.raw`\s`);
}

/** The lines before those of the stack; a difference of two values can have hundreds. */
function wordsOf(message: string): string {
  const lines = message.split("\n");
  const stack = lines.findIndex((line) => /^\s+at /.test(line));
  const words = stack === -1 ? lines : lines.slice(0, stack);
  return words.slice(0, LINES_MAX).join("\n").trimEnd();
}

const LINES_MAX = 12;
