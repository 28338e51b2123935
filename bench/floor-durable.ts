/**
 * Floor of W3 and W4-create: what one Node process can do when every reply waits for the disk. A
 * mailbox in front of a group commit: node:sqlite in a worker thread, WAL and `synchronous=FULL`,
 * one transaction a batch with the last state of each actor, the next batch fills meanwhile.
 *
 * usage: node --expose-gc bench/floor-durable.ts WORKLOAD
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { dataFolder } from "./harness/data-folder.ts";
import { measure, seededPick } from "./harness/measure.ts";

type Entry = readonly [id: string, state: string];

/** The worker thread: one transaction a message. */
function serveDatabase(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
    CREATE TABLE IF NOT EXISTS actor (id TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;`);
  const upsert = database.prepare(
    "INSERT INTO actor VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
  );
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  parentPort!.on("message", (entries: readonly Entry[]) => {
    begin.run();
    for (const [id, state] of entries) upsert.run(id, state);
    commit.run();
    parentPort!.postMessage(0);
  });
}

class Committer {
  readonly #worker: Worker;
  #batch = new Map<string, string>();
  #waiters: (() => void)[] = [];
  #isBusy = false;
  #onCommitted: () => void = () => undefined;

  constructor(file: string) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: file });
    this.#worker.on("message", () => this.#onCommitted());
  }

  durable(id: string, state: string): Promise<void> {
    return new Promise((resolve) => {
      this.#batch.set(id, state);
      this.#waiters.push(resolve);
      if (this.#waiters.length === 1 && !this.#isBusy) queueMicrotask(() => void this.#flush());
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  async #flush(): Promise<void> {
    if (this.#isBusy || this.#waiters.length === 0) return;
    const batch = this.#batch;
    const waiters = this.#waiters;
    this.#batch = new Map();
    this.#waiters = [];
    this.#isBusy = true;
    await new Promise<void>((resolve) => {
      this.#onCommitted = resolve;
      this.#worker.postMessage([...batch]);
    });
    this.#isBusy = false;
    for (const waiter of waiters) waiter();
    void this.#flush();
  }
}

/** The actor moves on to its next message at once; only the reply waits for the disk. */
class Counter {
  readonly #id: string;
  readonly #committer: Committer;
  total = 0;

  constructor(id: string, committer: Committer) {
    this.#id = id;
    this.#committer = committer;
  }

  async add(value: number): Promise<{ readonly total: number }> {
    this.total += value;
    const reply = { total: this.total };
    await this.#committer.durable(this.#id, JSON.stringify(reply));
    return reply;
  }
}

async function run(workload: string, committer: Committer): Promise<void> {
  const counters = new Map<string, Counter>();
  const call = (id: string): Promise<unknown> => {
    let counter = counters.get(id);
    if (counter === undefined) counters.set(id, (counter = new Counter(id, committer)));
    return counter.add(1);
  };
  const common = {
    peer: "durable-floor-sqlite-thr",
    durability: "fsync before the reply, group commit",
    workload,
  };
  switch (workload) {
    case "W3-seq":
      return measure({ ...common, inflight: 1, actors: 1, op: () => call("hot") });
    case "W3-hot64":
      return measure({ ...common, inflight: 64, actors: 1, op: () => call("hot") });
    case "W3-1k256": {
      const pick = seededPick();
      const ids = Array.from({ length: 1_000 }, (_, index) => `counter-${index}`);
      return measure({
        ...common,
        inflight: 256,
        actors: 1_000,
        op: () => call(ids[pick(1_000)]!),
      });
    }
    case "W4-create": {
      const actors = 100_000;
      return measure({
        ...common,
        inflight: 256,
        actors,
        once: actors,
        op: (index) => call(`cold-${index}`),
      });
    }
    default:
      throw new Error(`floor-durable has no workload ${workload}`);
  }
}

if (isMainThread) {
  const committer = new Committer(join(dataFolder("floor"), "state.db"));
  await run(process.argv[2] ?? "", committer);
  await committer.close();
} else {
  serveDatabase(workerData as string);
}
