/**
 * Runs seeds of the simulation on a copy of the library that lacks one protection, until a checker
 * objects to what the mutation breaks. The budget is a number of seeds, not a time, so that a busy
 * machine finds what an idle one does.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadMutation, mutatedWorkspace, mutationNames } from "./apply-mutation.ts";
import type { TestToFail } from "./apply-mutation.ts";

export interface MutationResult {
  readonly name: string;
  readonly invariant: string;
  /** Seeds until the checker objected, or all that were run. */
  readonly seeds: number;
  /** What the checker said; `undefined` when it never objected. */
  readonly objection: string | undefined;
}

const TESTS = "packages/spawn-mesh/test";
const SIMULATION = `${TESTS}/simulation`;
/** The longest that a run may take: a mutation can make the engine go round for ever. */
const TIMEOUT_MS = 300_000;

/** What the simulation runs; mutations of anything else are for tests with real processes. */
const simulated = /^(engine|statestores\/memory)\//;

/** The names of the mutations that the simulation has to notice. */
export async function simulatedMutations(): Promise<readonly string[]> {
  const names: string[] = [];
  for (const name of mutationNames()) {
    const { target, noticedBy } = await loadMutation(name);
    if (noticedBy === undefined && simulated.test(target)) names.push(name);
  }
  return names;
}

/** The names of the mutations that a test has to notice. */
export async function testedMutations(): Promise<readonly string[]> {
  const names: string[] = [];
  for (const name of mutationNames()) {
    if ((await loadMutation(name)).noticedBy !== undefined) names.push(name);
  }
  return names;
}

/** Runs the test that has to fail on the mutated library. */
export async function runTestedMutation(name: string): Promise<MutationResult> {
  const mutation = await loadMutation(name);
  using copy = mutatedWorkspace(mutation, ["vitest.config.ts", "tsconfig.json", TESTS]);
  const { project, file, test } = mutation.noticedBy as TestToFail;
  const vitest = join(copy.root, "node_modules/vitest/vitest.mjs");
  const report = join(copy.root, "report.json");
  const which = ["--root", copy.root, "--project", project, file, "-t", test];
  const { errors } = await runNode(
    [vitest, "run", ...which, "--reporter=json", `--outputFile=${report}`],
    copy.root,
  );
  if (!existsSync(report)) throw new Error(`the tests left no report: ${errors}`);
  const counts = JSON.parse(readFileSync(report, "utf8")) as Record<string, number>;
  const { numPassedTests, numFailedTests } = counts;
  const isNoticed = numFailedTests === 1 && numPassedTests === 0;
  const objection = isNoticed ? `a test fails: ${test}` : undefined;
  return { name, invariant: mutation.invariant, seeds: 0, objection };
}

/** @throws if the lines of the mutation are not found exactly once, or the simulation breaks down */
export async function runMutation(name: string, seedsMax: number): Promise<MutationResult> {
  const mutation = await loadMutation(name);
  const { invariant } = mutation;
  using copy = mutatedWorkspace(mutation, [SIMULATION]);
  const last = await lastLine(copy.root, ["--until", invariant, "--seeds", String(seedsMax)]);
  const { seeds, objection } = JSON.parse(last) as { seeds: number; objection?: string };
  return { name, invariant, seeds, objection };
}

/** What the simulation in `workspace` says last. */
async function lastLine(workspace: string, options: readonly string[]): Promise<string> {
  const program = join(workspace, SIMULATION, "main.ts");
  const args = ["--conditions=@spawn-mesh/source", program, "--seed", "1", ...options];
  const { status, output, errors } = await runNode(args, workspace);
  if (status !== 0) throw new Error(`the simulation ended with ${status}: ${errors}`);
  return output.trimEnd().split("\n").at(-1) ?? "";
}

interface Ended {
  readonly status: number | string | null;
  readonly output: string;
  readonly errors: string;
}

function runNode(args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // What is compiled of a copy serves nobody else.
    const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" };
    const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const timeout = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.on("error", reject);
    child.on("close", (status, signal) => {
      clearTimeout(timeout);
      resolve({ status: signal ?? status, output, errors });
    });
  });
}
