/**
 * Floor of W1, W2 and W4-mem: an array mailbox drained by an async loop, in one Node thread, with no
 * persistence. The least that any actor library in JavaScript does.
 *
 * usage: node --expose-gc bench/floor-inproc.ts WORKLOAD
 */
import { SAMPLE_EVERY, measure, seededPick } from "./harness/measure.ts";

interface Message {
  readonly value: number;
  readonly resolve: (reply: { readonly total: number }) => void;
  readonly reject: (error: unknown) => void;
}

class Mailbox {
  total = 0;
  #queue: Message[] = [];
  #running = false;

  async handle(value: number): Promise<{ readonly total: number }> {
    this.total += value;
    return { total: this.total };
  }

  add(value: number): Promise<{ readonly total: number }> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ value, resolve, reject });
      if (!this.#running) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#running = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const message of batch) {
        try {
          message.resolve(await this.handle(message.value));
        } catch (error) {
          message.reject(error);
        }
      }
    }
    this.#running = false;
  }
}

const common = { peer: "js-mailbox", durability: "none", sampleEvery: SAMPLE_EVERY };
const registry = new Map<string, Mailbox>();

function call(id: string): Promise<unknown> {
  let mailbox = registry.get(id);
  if (mailbox === undefined) registry.set(id, (mailbox = new Mailbox()));
  return mailbox.add(1);
}

async function run(workload: string): Promise<void> {
  switch (workload) {
    case "W1-seq":
    case "W1-pipe64": {
      const hot = new Mailbox();
      const inflight = workload === "W1-seq" ? 1 : 64;
      return measure({ ...common, workload, inflight, actors: 1, op: () => hot.add(1) });
    }
    case "W2": {
      const pick = seededPick();
      const ids = Array.from({ length: 10_000 }, (_, index) => `counter-${index}`);
      return measure({
        ...common,
        workload,
        inflight: 256,
        actors: 10_000,
        op: () => call(ids[pick(10_000)]!),
      });
    }
    case "W4-mem": {
      const actors = 100_000;
      return measure({
        ...common,
        workload,
        inflight: 256,
        actors,
        once: actors,
        op: (index) => call(`cold-${index}`),
      });
    }
    default:
      throw new Error(`floor-inproc has no workload ${workload}`);
  }
}

await run(process.argv[2] ?? "");
