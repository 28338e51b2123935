/**
 * Takes one protection away from the library, to see that a test notices.
 *
 * A mutation is a file in `packages/spawn-mesh/test/mutations/`, named as the mutation is. It is
 * applied to a temporary copy of the workspace, so that production code has no switch for it: the
 * copy has the sources of the library and the folders that the program under test needs, and links
 * to everything that is installed. `spawn-mesh` means the copied sources there.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Mutation {
  /** The promise that it breaks, by its number: `I9`. A comment above says what goes wrong. */
  readonly invariant: string;
  /** The file, relative to the library's `src`. */
  readonly target: string;
  /** Text that is in the file exactly once. */
  readonly find: string;
  /** What stands there instead. */
  readonly replace: string;
  /** The test that has to fail, of a mutation that the simulation cannot meet. */
  readonly noticedBy?: TestToFail;
}

export interface TestToFail {
  /** Of `vitest.config.ts`. */
  readonly project: string;
  /** The file that it is in, or a part of its name. */
  readonly file: string;
  /** What its full name matches. */
  readonly test: string;
}

/** A copy of the workspace; gone when it is disposed. */
export interface WorkspaceCopy extends Disposable {
  readonly root: string;
}

const root = join(import.meta.dirname, "..");
const library = "packages/spawn-mesh";
const mutations = join(root, library, "test/mutations");

/** The names of all mutations. */
export function mutationNames(): readonly string[] {
  if (!existsSync(mutations)) return [];
  const files = readdirSync(mutations).filter((file) => /^[a-z0-9-]+\.ts$/.test(file));
  return files.map((file) => file.replace(/\.ts$/, "")).toSorted();
}

/** @throws if there is no mutation of that name */
export async function loadMutation(name: string): Promise<Mutation> {
  if (!mutationNames().includes(name)) {
    const known = mutationNames().join(", ");
    throw new Error(`there is no mutation ${JSON.stringify(name)}; there are: ${known}`);
  }
  const { mutation } = (await import(join(mutations, `${name}.ts`))) as { mutation: Mutation };
  return mutation;
}

/**
 * Copies the sources of the library, and `folders` beside them, and applies the mutation.
 *
 * @throws if the text to find is not there exactly once
 */
export function mutatedWorkspace(mutation: Mutation, folders: readonly string[]): WorkspaceCopy {
  const copy = mkdtempSync(join(tmpdir(), "spawn-mesh-mutated-"));
  const dispose = () => rmSync(copy, { recursive: true, force: true });
  try {
    const copied = ["package.json", `${library}/package.json`, `${library}/src`, ...folders];
    for (const path of copied) cpSync(join(root, path), join(copy, path), { recursive: true });
    linkInstalled(copy);
    applyMutation(join(copy, library, "src"), mutation);
    return { root: copy, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function linkInstalled(copy: string): void {
  mkdirSync(join(copy, "node_modules"));
  for (const name of readdirSync(join(root, "node_modules"))) {
    const target = name === "spawn-mesh" ? join(copy, library) : join(root, "node_modules", name);
    symlinkSync(target, join(copy, "node_modules", name));
  }
}

/** Changes the one place in `sources`, a copy of the library's `src`. */
export function applyMutation(sources: string, mutation: Mutation): void {
  writeFileSync(join(sources, mutation.target), mutatedText(mutation, sources));
}

/**
 * What the target is with the mutation.
 *
 * @param from the sources to read it from; default: those of the library
 * @throws if the text to find is not there exactly once
 */
export function mutatedText(
  { target, find, replace }: Mutation,
  from = join(root, library, "src"),
): string {
  const [before, after, ...others] = readFileSync(join(from, target), "utf8").split(find);
  if (before === undefined || after === undefined || others.length > 0) {
    const times = others.length === 0 ? "not" : `${others.length + 1} times`;
    throw new Error(`the lines of the mutation are ${times} in ${target}, expected once:\n${find}`);
  }
  return before + replace + after;
}
