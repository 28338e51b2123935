/** Starts `sqlite-child.ts` and other commands, and waits for what they print. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** No child of a test needs longer; one that hangs fails its test. */
const CHILD_TIME_MAX_MS = 20_000;

export interface ChildResult {
  readonly status: number | null;
  readonly output: string;
}

/** The command line that runs the child with the Node that runs the tests. */
export function childCommand(...args: readonly string[]): readonly string[] {
  const script = fileURLToPath(new URL("sqlite-child.ts", import.meta.url));
  return [process.execPath, "--conditions=@spawn-mesh/source", script, ...args];
}

export function start(command: readonly string[]): ChildProcessWithoutNullStreams {
  const [program = "", ...args] = command;
  return spawn(program, args, { timeout: CHILD_TIME_MAX_MS, killSignal: "SIGKILL" });
}

/** Runs a command to its end. */
export async function run(command: readonly string[]): Promise<ChildResult> {
  const child = start(command);
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { status, output };
}

/** Resolves when the child prints `text`, rejects when it ends without. */
export function printed(child: ChildProcessWithoutNullStreams, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const onData = (data: Buffer): void => {
      output += data.toString();
      if (output.includes(text)) resolve();
    };
    child.stdout.on("data", onData);
    child.stderr.on("data", onData);
    child.on("close", () => reject(new Error(`the child ended: ${output}`)));
  });
}

/** Whether a command can be run here and succeeds. */
export function canRun(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args).status === 0;
}
