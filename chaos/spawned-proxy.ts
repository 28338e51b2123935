/** `spawn-proxy` in a process of its own that may be killed at any moment, and is then started again. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = join(import.meta.dirname, "../packages/proxy/bin/spawn-proxy.js");

export class SpawnedProxy {
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess;

  private constructor(environment: Readonly<Record<string, string>>, child: ChildProcess) {
    this.#environment = environment;
    this.#child = child;
    process.once("exit", () => this.#child.kill("SIGKILL"));
  }

  /** Resolves when it listens. @throws if it does not come to that */
  static async start(environment: Readonly<Record<string, string>>): Promise<SpawnedProxy> {
    return new SpawnedProxy(environment, await startListening(environment));
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }

  async startAgain(): Promise<void> {
    this.#child = await startListening(this.#environment);
  }

  /** Lets it finish. @throws if it does not end well */
  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const [status] = (await exited) as [number | null];
    if (status !== 0) throw new Error(`spawn-proxy ended with status ${status}`);
  }
}

async function startListening(environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    if (!line.includes('"listening"')) continue;
    child.stderr.resume();
    return child;
  }
  throw new Error(`spawn-proxy did not start: ${said.join("\n")}`);
}
