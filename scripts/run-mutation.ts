/**
 * Runs seeds of the simulation on a copy of the library that lacks one protection, until a checker
 * objects to what the mutation breaks. The budget is a number of seeds, not a time, so that a busy
 * machine finds what an idle one does.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { loadMutation, mutatedWorkspace, mutationNames } from "./apply-mutation.ts";

export interface MutationResult {
  readonly name: string;
  readonly invariant: string;
  /** Seeds until the checker objected, or all that were run. */
  readonly seeds: number;
  /** What the checker said; `undefined` when it never objected. */
  readonly objection: string | undefined;
}

const SIMULATION = "packages/spawn-mesh/test/simulation";
/** The longest that a run may take: a mutation can make the engine go round for ever. */
const TIMEOUT_MS = 300_000;

/** What the simulation runs; mutations of anything else are for tests with real processes. */
const simulated = /^(engine\/|statestores\/memory(-messages)?\.ts$)/;

/** The names of the mutations that the simulation has to notice. */
export async function simulatedMutations(): Promise<readonly string[]> {
  const names: string[] = [];
  for (const name of mutationNames()) {
    const { target } = await loadMutation(name);
    if (simulated.test(target)) names.push(name);
  }
  return names;
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
function lastLine(workspace: string, options: readonly string[]): Promise<string> {
  const program = join(workspace, SIMULATION, "main.ts");
  const args = ["--conditions=@spawn-mesh/source", program, "--seed", "1", ...options];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    const timeout = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.on("error", reject);
    child.on("close", (status, signal) => {
      clearTimeout(timeout);
      if (status === 0) resolve(output.trimEnd().split("\n").at(-1) ?? "");
      else reject(new Error(`the simulation ended with ${signal ?? status}: ${errors}`));
    });
  });
}
