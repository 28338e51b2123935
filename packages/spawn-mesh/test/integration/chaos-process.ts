/** Runs `bin/chaos` as a person does, and reads its figures. */
import { execFile } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../../..");

export interface Finished {
  readonly status: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly output: string;
}

export function chaos(...args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(join(root, "bin/chaos"), [...args, "--json"], (_, stdout, stderr) => {
      const lastLine = stdout.trim().split("\n").at(-1) ?? "";
      const figures = lastLine.startsWith("{") ? JSON.parse(lastLine) : {};
      resolve({ status: child.exitCode ?? -1, figures, output: stdout + stderr });
    });
  });
}
