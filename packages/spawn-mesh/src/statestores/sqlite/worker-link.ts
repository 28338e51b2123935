/**
 * The line to the worker thread.
 *
 * The worker keeps the process alive while it owes an answer and never otherwise. When it dies, what
 * it was asked fails: a commit may have been applied, everything else can be asked again. The next
 * call starts another worker, which opens the file anew.
 */
import { Worker } from "node:worker_threads";
import { describeThrown, SpawnError } from "../../engine/errors.ts";
import { StoreFailure } from "../../engine/statestore.ts";
import type {
  CallName,
  OpenOptions,
  WorkerCalls,
  WorkerError,
  WorkerReply,
} from "./worker-messages.ts";

/** Calls that change something, or may. */
const WRITES: ReadonlySet<CallName> = new Set(["commit", "messages", "sealed", "systems"]);

interface PendingCall {
  readonly call: CallName;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class WorkerLink {
  readonly #options: OpenOptions;
  /** In the order of the requests, which is the order of the answers. */
  #pending: PendingCall[] = [];
  #worker: Worker | undefined;
  #opening: Promise<void> | undefined;

  constructor(options: OpenOptions) {
    this.#options = options;
  }

  /** Starts a worker and opens the file in it. */
  open(): Promise<void> {
    this.#opening ??= this.#start();
    return this.#opening;
  }

  /** Asks the worker; starts another one if the last one died. */
  async call<Name extends CallName>(
    call: Name,
    request: WorkerCalls[Name]["request"],
  ): Promise<WorkerCalls[Name]["answer"]> {
    if (this.#worker === undefined) await this.#openAgain();
    return this.#post(call, request);
  }

  /** Lets the worker finish what it was asked and ends it. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    try {
      await this.#post("close", undefined);
    } finally {
      this.#worker = undefined;
      await endWorker(worker);
    }
  }

  async #start(): Promise<void> {
    const worker = startWorker();
    this.#worker = worker;
    worker.unref();
    worker.on("message", (reply: WorkerReply) => this.#settle(worker, reply));
    // "exit" follows and settles what is pending; without a listener the process would die of it.
    let death: unknown;
    worker.on("error", (error) => (death = error));
    worker.on("exit", (status) => this.#lose(worker, death ?? `exit status ${status}`));
    try {
      await this.#post("open", this.#options);
    } catch (error) {
      if (this.#worker === worker) this.#forget();
      await endWorker(worker);
      throw error;
    }
  }

  async #openAgain(): Promise<void> {
    try {
      await this.open();
    } catch (cause) {
      // The call was never sent.
      throw new StoreFailure("retry", describeThrown(cause), { cause });
    }
  }

  #post<Name extends CallName>(
    call: Name,
    request: WorkerCalls[Name]["request"],
  ): Promise<WorkerCalls[Name]["answer"]> {
    const worker = this.#worker;
    if (worker === undefined) {
      return Promise.reject(new StoreFailure("retry", "the worker of the statestore ended"));
    }
    return new Promise<WorkerCalls[Name]["answer"]>((resolve, reject) => {
      worker.postMessage([call, request]);
      if (this.#pending.length === 0) worker.ref();
      this.#pending.push({
        call,
        resolve: (answer) => resolve(answer as WorkerCalls[Name]["answer"]),
        reject,
      });
    });
  }

  #settle(worker: Worker, [answer, error]: WorkerReply): void {
    if (this.#worker !== worker) return;
    const pending = this.#pending.shift();
    if (this.#pending.length === 0) worker.unref();
    if (error === undefined) pending?.resolve(answer);
    else pending?.reject(toError(error));
  }

  #lose(worker: Worker, death: unknown): void {
    if (this.#worker !== worker) return;
    const lost = this.#pending;
    this.#forget();
    const message = `the worker of the statestore died: ${describeThrown(death)}`;
    for (const { call, reject } of lost) {
      const isWrite = WRITES.has(call);
      reject(new StoreFailure(isWrite ? "ambiguous" : "retry", message));
    }
  }

  #forget(): void {
    this.#worker = undefined;
    this.#opening = undefined;
    this.#pending = [];
  }
}

/**
 * The worker's file has the extension of this one: `.ts` in the repository, `.js` in the package.
 * It needs none of the flags that the process was started with, and some of them would stop it.
 */
function startWorker(): Worker {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  return new Worker(new URL(`./worker${extension}`, import.meta.url), {
    name: "spawn-mesh sqlite",
    execArgv: [],
  });
}

/** An idle process waits for the end of the worker, or the caller's `await` would never return. */
async function endWorker(worker: Worker): Promise<void> {
  worker.ref();
  await worker.terminate();
}

function toError(error: WorkerError): Error {
  if (error.type === "refusal") return new SpawnError(error.code, error.message);
  return new StoreFailure(error.kind, error.message, { rows: error.rows });
}
