/**
 * Everything that continuous integration checks, in order: `bin/test` and `npm run verify`.
 *
 * A failed step does not stop the next ones: one run names everything that is wrong. A check counts
 * as one test; the suites count as their tests do. In the end everything that failed is named, with why
 * and the command that runs it alone. The last line is `N passed, N failed, N skipped` and the exit status
 * is not 0 when anything failed.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { outcomeOf, type Failure, type Outcome } from "./test-report.ts";

const USAGE = `usage: bin/test [--all] [STEP…]

  --all   run the long versions too: more seeds, more kills, more time (sets SPAWN_TEST_ALL=1)
  STEP    run these steps only`;

interface Step {
  readonly name: string;
  /** A program of node_modules/.bin, or node, with its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Reads the counts that the program left; without it the step itself is the test. */
  readonly count?: () => Outcome;
}

const root = join(import.meta.dirname, "..");
const library = "packages/spawn-mesh";
const scratch = mkdtempSync(join(tmpdir(), "spawn-mesh-verify-"));
const report = join(scratch, "tests.json");
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const steps: readonly Step[] = [
  { name: "format", command: ["oxfmt", "--check", "."] },
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
  { name: "types", command: ["tsc"] },
  { name: "unused", command: ["knip", "--no-config-hints"] },
  { name: "generated", command: ["node", "scripts/check-generated.ts"] },
  { name: "build", command: ["node", "scripts/build.ts"] },
  { name: "publint", command: ["publint", "--strict", library] },
  { name: "publint-proxy", command: ["publint", "--strict", "packages/proxy"] },
  {
    name: "attw",
    command: ["attw", "--pack", library, "--profile", "esm-only", "--no-emoji", "--no-summary"],
  },
  {
    name: "servers",
    command: ["node", "scripts/install-servers.ts"],
    // No test: the suites say what they could not run.
    count: () => ({ passed: 0, failed: [], skipped: [] }),
  },
  {
    name: "tests",
    command: [
      "vitest",
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ],
    count: () => readTestReport(),
  },
  {
    name: "fuzz",
    command: [
      "node",
      "--conditions=@spawn-mesh/source",
      "packages/proxy/test/fuzz/main.ts",
      "--seconds=60",
    ],
  },
];

const HEARTBEAT_MS = 30_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { all: { type: "boolean" }, help: { type: "boolean", short: "h" } },
});
const unknown = positionals.find((name) => steps.every((step) => step.name !== name));
if (values.help === true || unknown !== undefined) {
  if (unknown !== undefined) console.error(`bin/test: there is no step "${unknown}"\n`);
  console.log(`${USAGE}: ${steps.map(({ name }) => name).join(", ")}`);
  process.exit(unknown === undefined ? 0 : 2);
}
if (values.all === true) process.env["SPAWN_TEST_ALL"] = "1";

process.exitCode = await verify(
  steps.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
);

async function verify(chosen: readonly Step[]): Promise<number> {
  let passed = 0;
  const failed: Failure[] = [];
  const skipped: string[] = [];
  for (const step of chosen) {
    const outcome = await runStep(step);
    passed += outcome.passed;
    failed.push(...outcome.failed);
    skipped.push(...outcome.skipped);
  }
  console.log();
  for (const name of skipped) console.log(`skipped: ${name}`);
  for (const { name, message, alone } of failed) {
    console.log(`FAILED: ${name}\n${indented(message)}\n  alone: ${alone}`);
  }
  console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  return failed.length === 0 ? 0 : 1;
}

async function runStep(step: Step): Promise<Outcome> {
  const { name, command, count } = step;
  console.log(`\n== ${name}: ${command.join(" ")}`);
  const startedMs = performance.now();
  const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  const heartbeat = setInterval(() => console.log(`   … ${name}: ${seconds()}`), HEARTBEAT_MS);
  const succeeded = await run(command);
  clearInterval(heartbeat);
  console.log(`== ${name} ${succeeded ? "passed" : "FAILED"} in ${seconds()}`);
  const outcome = count?.() ?? { passed: succeeded ? 1 : 0, failed: [], skipped: [] };
  // A crash, or an error outside of every test, fails the step although no test did.
  if (succeeded || outcome.failed.length > 0) return outcome;
  const message = `what it said is above, after "== ${name}"`;
  return { ...outcome, failed: [{ name, message, alone: `bin/test ${name}` }] };
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}

function run([program, ...args]: Step["command"]): Promise<boolean> {
  const path = program === "node" ? process.execPath : join(root, "node_modules/.bin", program);
  return new Promise((resolve) => {
    spawn(path, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] })
      .on("error", (error) => {
        console.error(`   ${program}: ${error.message}`);
        resolve(false);
      })
      .on("exit", (status) => resolve(status === 0));
  });
}

function readTestReport(): Outcome {
  try {
    return outcomeOf(readFileSync(report, "utf8"), root);
  } catch {
    const failure = { name: "tests", message: "no report was written", alone: "bin/test tests" };
    return { passed: 0, failed: [failure], skipped: [] };
  }
}
