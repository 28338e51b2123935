/** Questions to the worker of `effects` that have to be answered, by whichever life. */
import type { EffectsRequest, NodeRecord } from "./effects-nodes.ts";
import type { RestartedWorker } from "./restarted-worker.ts";

/** Asks until there is an answer; a life that ends is no answer. @throws if it is refused for good */
export type Ask = (request: EffectsRequest) => Promise<unknown>;

const RECORDS_AT_ONCE = 100;

export function asking(worker: RestartedWorker): Ask {
  return async (request) => {
    for (;;) {
      const answer = await worker.ask(request);
      if (answer.type === "reply") return answer.reply;
      if (answer.type === "refusal" && !answer.refusal.retryable)
        throw new Error(`${request.type} was refused: ${answer.refusal.message}`);
    }
  };
}

/** What actors know, by name; `definition` is that of unnamed ones. */
export async function recordsOf(
  ask: Ask,
  names: readonly string[],
  definition?: string,
): Promise<ReadonlyMap<string, NodeRecord>> {
  const records = new Map<string, NodeRecord>();
  for (let first = 0; first < names.length; first += RECORDS_AT_ONCE) {
    const some = names.slice(first, first + RECORDS_AT_ONCE);
    const request = { type: "states", names: some, ...(definition && { definition }) } as const;
    const states = (await ask(request)) as readonly NodeRecord[];
    for (const [at, name] of some.entries()) records.set(name, states[at]!);
  }
  return records;
}
