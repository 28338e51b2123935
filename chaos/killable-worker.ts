/**
 * A child process that answers requests and may be killed at any moment.
 *
 * The parent is the one that remembers: every request ends in a reply, in a refusal, or in the word
 * that the process is gone. What a dying process wrote before its end is still read, so an answer
 * that it managed to send counts. The other side of the line is `answerRequests`.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Refusal, ToParent } from "./answer-requests.ts";

export type Answer =
  | { readonly type: "reply"; readonly reply: unknown }
  | { readonly type: "refusal"; readonly refusal: Refusal }
  /** The process ended first: whether it did what it was asked is not known. */
  | { readonly type: "gone" };

export interface WorkerProgram {
  /** The path of the program, which calls `answerRequests`. */
  readonly program: string;
  readonly args: readonly string[];
  /**
   * Where Node keeps what it compiled. Without it a start costs three times as much, and a run is
   * mostly starts.
   */
  readonly compileCache: string;
}

/** The longest that a process may take until it answers requests, in milliseconds. */
const START_MS_MAX = 60_000;
/** The longest that a process may take to end when it is asked to, in milliseconds. */
const STOP_MS_MAX = 30_000;

export class KillableWorker {
  /** Resolves when the process has ended and all that it wrote is read. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 0;
  #hasEnded = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (message: ToParent) => this.#receive(message));
    // Node may tell the end of the process before it has read the last of the line.
    this.ended = Promise.all([once(child, "exit"), once(child, "disconnect")]).then(() =>
      this.#end(),
    );
  }

  /** @throws {DiedAtStart} if the process ends, or too much time passes, before it answers requests */
  static async start({ program, args, compileCache }: WorkerProgram): Promise<KillableWorker> {
    const child = fork(program, args, {
      execArgv: ["--conditions=@spawn-mesh/source"],
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const worker = new KillableWorker(child);
    const ready = await Promise.race([
      once(child, "message").then(() => true),
      worker.ended.then(() => false),
      limit(START_MS_MAX),
    ]);
    if (ready) return worker;
    const { wasKilled } = worker;
    await worker.kill();
    throw new DiedAtStart(
      `${program} ended before it was ready: ${worker.#describeEnd()}`,
      wasKilled,
    );
  }

  /** Whether it has ended with SIGKILL, whoever sent it. */
  get wasKilled(): boolean {
    return this.#child.signalCode === "SIGKILL";
  }

  /** How many requests wait for an answer. */
  get inFlight(): number {
    return this.#waiting.size;
  }

  ask(request: unknown): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.#hasEnded || !this.#child.connected) return resolve({ type: "gone" });
      const id = this.#nextId++;
      this.#waiting.set(id, resolve);
      // An error here is the end of the process, which answers everything that waits.
      this.#child.send({ id, request }, () => undefined);
    });
  }

  /** Ends the process as a crash does: it is not told. Resolves when it is gone. */
  kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    return this.ended;
  }

  /** Lets the process finish. @throws if it does not end by itself, or not well */
  async stop(): Promise<void> {
    this.#child.disconnect();
    const isStopped = await Promise.race([this.ended.then(() => true), limit(STOP_MS_MAX)]);
    if (!isStopped) await this.kill();
    if (this.#child.exitCode !== 0) throw new Error(`a worker ended with ${this.#describeEnd()}`);
  }

  #receive(message: ToParent): void {
    if (message.id === undefined) return;
    const resolve = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.refusal === undefined) resolve?.({ type: "reply", reply: message.reply });
    else resolve?.({ type: "refusal", refusal: message.refusal });
  }

  #end(): void {
    this.#hasEnded = true;
    for (const resolve of this.#waiting.values()) resolve({ type: "gone" });
    this.#waiting.clear();
  }

  #describeEnd(): string {
    const { exitCode, signalCode } = this.#child;
    return signalCode === null ? `exit status ${exitCode}` : signalCode;
  }
}

/** A process that never took requests. */
export class DiedAtStart extends Error {
  /** Whether SIGKILL was its end. */
  readonly wasKilled: boolean;

  constructor(message: string, wasKilled: boolean) {
    super(message);
    this.wasKilled = wasKilled;
  }
}

function limit(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms).unref());
}
