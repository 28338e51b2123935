/**
 * The process of `store-postgres` and `store-mariadb`: durable lists and counters in a database. Every
 * element of a list is also sent, as a message, to the list's mirror.
 */
import { actor, actorSystem, read } from "spawn-mesh";
import { statestoreFromUrl } from "spawn-mesh/statestores";
import { answerRequests } from "./answer-requests.ts";
import type { ActorCall } from "./kill9-worker.ts";

/** What the parent asks beside calls of lists and counters. */
export type StoreRequest =
  | (Omit<ActorCall, "definition"> & { readonly definition: ActorCall["definition"] | "mirror" })
  | { readonly definition: "outbox" };

/** What the worker says of its outbox and of its commits. */
export interface StoreFigures {
  /** Messages that wait. */
  readonly waiting: number;
  readonly parked: readonly string[];
  /** Commits of this life whose answers were lost. */
  readonly ambiguous: number;
}

const list = actor("list", {
  kind: "unnamed",
  state: (): { elements: number[] } => ({ elements: [] }),
  actions: {
    /** Answers with the position of the element, counted from 1. */
    append(ctx, element: number) {
      ctx.send(ctx.self.name, { definition: "mirror", action: "append", payload: element });
      return ctx.state.elements.push(element);
    },
    appendAndThrow(ctx, element: number) {
      ctx.state.elements.push(element);
      throw new Error("changed its mind");
    },
    elements: read((ctx) => ctx.state.elements),
  },
});

const mirror = actor("mirror", {
  kind: "unnamed",
  state: (): { elements: number[] } => ({ elements: [] }),
  actions: {
    append(ctx, element: number) {
      ctx.state.elements.push(element);
    },
    elements: read((ctx) => ctx.state.elements),
  },
});

const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ total: 0 }),
  actions: {
    increment: (ctx) => ++ctx.state.total,
    total: read((ctx) => ctx.state.total),
  },
});

const [url = ""] = process.argv.slice(2);
let ambiguous = 0;
const system = actorSystem("chaos", {
  actors: [list, mirror, counter],
  statestore: statestoreFromUrl(url),
  // The next life has to read it.
  encryption: { keys: { chaos: new Uint8Array(32) }, required: true },
  onEvent(event) {
    if (event.type === "commit-ambiguous") ambiguous++;
  },
});
await system.start();

answerRequests({
  async handle(request) {
    const call = request as StoreRequest;
    if (call.definition === "outbox") return await figures();
    const { definition, name, action, payload, key } = call;
    return await system.invoke(name, {
      definition,
      action,
      ...(payload !== undefined && { payload }),
      ...(key !== undefined && { idempotencyKey: key }),
    });
  },
  stop: () => system.stop(),
});

async function figures(): Promise<StoreFigures> {
  const waiting = await system.messages.list({ limit: 1_000 });
  const parked = await system.messages.listParked();
  return {
    waiting: waiting.length,
    parked: parked.map(({ target, error }) => `${target.name}: ${error}`),
    ambiguous,
  };
}
