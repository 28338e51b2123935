/**
 * A server of a test: a private instance on a random port with a data directory of its own, which
 * can be killed and started again, and which ends with the test.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** The longest that a server may take until it answers, in milliseconds. */
const START_MS_MAX = 60_000;
const START_STEP_MS = 50;
const END_STEP_MS = 5;

/** Whom the server runs as: root is refused by most. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** A user of the system for a server, when this process is root. */
export function serverUser(name: string): ServerUser {
  if (userInfo().uid !== 0) return {};
  const id = (flag: string): number =>
    Number(execFileSync("id", [flag, name], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

export interface ServerProgram {
  readonly user: ServerUser;
  /** What it keeps; it goes with the server. */
  readonly directory: string;
  readonly command: readonly [string, ...string[]];
  /** Whether it answers. */
  readonly isReady: () => Promise<boolean>;
}

/** A program that runs until it is stopped, and again after that. */
export class ServerProcess {
  readonly #program: ServerProgram;
  #child: ChildProcess | undefined;
  #output = "";
  readonly #killAtExit = (): void => void this.#child?.kill("SIGKILL");

  constructor(program: ServerProgram) {
    this.#program = program;
    process.on("exit", this.#killAtExit);
  }

  /** Of the server that runs now. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("the server does not run");
    return pid;
  }

  /** Resolves when the server answers. @throws with its output when it ends or takes too long */
  async start(): Promise<void> {
    const { command, user, directory, isReady } = this.#program;
    const [program, ...args] = command;
    this.#output = "";
    const child = spawn(program, args, { ...user, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data: Buffer) => (this.#output += data.toString()));
    this.#child = child;
    endWithUs(child, directory);
    const until = performance.now() + START_MS_MAX;
    while (!(await isReady())) {
      if (child.exitCode !== null || performance.now() > until)
        throw new Error(`${program} does not answer:\n${this.#output}`);
      await sleep(START_STEP_MS);
    }
  }

  /** Ends it as a crash does, and with it the processes that it has started. */
  async kill(): Promise<void> {
    const pid = this.#child?.pid;
    const children = pid === undefined ? [] : childrenOf(pid);
    const ended = this.#end("SIGKILL");
    for (const child of children) killIfThere(child);
    await ended;
    // As long as one of them is there, the server does not start again.
    while (children.some(isRunning)) await sleep(END_STEP_MS);
  }

  /** Lets it end by itself, for good. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#end(signal);
    rmSync(this.#program.directory, { recursive: true, force: true });
    process.off("exit", this.#killAtExit);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }
}

/** Reads until this process has ended, however it did, and ends the server then. A signal to all of us does not end it first. */
const GUARD = `trap "" INT TERM HUP; read _; kill -9 "$1"; rm -rf "$2"`;

/** A process that is killed can end nothing that it has started: a guard does it, which waits for the end of a pipe. */
function endWithUs(server: ChildProcess, directory: string): void {
  const command = ["-c", GUARD, "guard", `${server.pid}`, directory];
  const guard = spawn("sh", command, { stdio: ["pipe", "ignore", "ignore"] });
  guard.unref();
  server.once("exit", () => guard.kill("SIGKILL"));
}

function childrenOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.split(" ").filter(Boolean).map(Number);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** Nobody may have waited for a process that was killed: then it has ended, and is still there. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/**
 * A directory that belongs to the user of the server.
 *
 * @param parent that user must be able to go through it
 */
export function serverDirectory(
  name: string,
  { uid, gid }: ServerUser,
  parent: string = tmpdir(),
): string {
  const directory = mkdtempSync(join(parent, `spawn-mesh-${name}-`));
  if (uid !== undefined && gid !== undefined) chownSync(directory, uid, gid);
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A port of this machine that nobody uses. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a server has no port");
  return address.port;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
