/** The process that is killed: it embeds the actor system on a SQLite file and applies flights. */
import { actorSystem } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { answerRequests } from "../chaos/answer-requests.ts";
import { airport, route, type Flight } from "./flight-actors.ts";

export type DemoRequest =
  | { readonly type: "apply"; readonly flight: Flight; readonly key: string }
  | { readonly type: "read"; readonly definition: "airport" | "route"; readonly name: string };

const [file = ""] = process.argv.slice(2);
const system = actorSystem("flights", {
  actors: [airport, route],
  statestore: sqliteStatestore({ file }),
});
await system.start();

/** With the key, applying a flight a second time changes nothing, also after a crash in between. */
async function apply(flight: Flight, idempotencyKey: string): Promise<void> {
  const { origin, destination } = flight;
  await Promise.all([
    system.actor(airport, origin).depart(flight, { idempotencyKey }),
    system.actor(airport, destination).arrive(flight, { idempotencyKey }),
    system.actor(route, `${origin}-${destination}`).fly(flight, { idempotencyKey }),
  ]);
}

answerRequests({
  handle(message) {
    const request = message as DemoRequest;
    if (request.type === "apply") return apply(request.flight, request.key);
    const { definition, name } = request;
    if (definition === "airport") return system.actor(airport, name).get();
    return system.actor(route, name).get();
  },
  stop: () => system.stop(),
});
