/** The process that `kill9` kills: durable lists and counters on a SQLite file, called by the parent. */
import { actor, actorSystem, read } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { answerRequests } from "./answer-requests.ts";

/** A call as the parent sends it. */
export interface ActorCall {
  readonly definition: "list" | "counter";
  readonly name: string;
  readonly action: string;
  readonly payload?: number;
  readonly key?: string | undefined;
}

const list = actor("list", {
  kind: "unnamed",
  state: (): { elements: number[] } => ({ elements: [] }),
  actions: {
    /** Answers with the position of the element, counted from 1. */
    append: (ctx, element: number) => ctx.state.elements.push(element),
    appendAndThrow(ctx, element: number) {
      ctx.state.elements.push(element);
      throw new Error("changed its mind");
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

const [file = ""] = process.argv.slice(2);
const system = actorSystem("chaos", {
  actors: [list, counter],
  statestore: sqliteStatestore({ file }),
});
await system.start();

answerRequests({
  handle(request) {
    const { definition, name, action, payload, key } = request as ActorCall;
    return system.invoke(name, {
      definition,
      action,
      ...(payload !== undefined && { payload }),
      ...(key !== undefined && { idempotencyKey: key }),
    });
  },
  stop: () => system.stop(),
});
