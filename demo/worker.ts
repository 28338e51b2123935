/** The process that is killed: it embeds the actor system on a SQLite file and applies flights. */
import { actorSystem } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { answerRequests } from "../chaos/answer-requests.ts";
import { applyFlight } from "./apply-flight.ts";
import { airport, route, type Flight } from "./flight-actors.ts";

export interface ApplyRequest {
  readonly type: "apply";
  readonly flight: Flight;
  readonly key: string;
}

export type DemoRequest =
  | ApplyRequest
  | { readonly type: "read"; readonly definition: "airport" | "route"; readonly name: string };

const [file = ""] = process.argv.slice(2);
const system = actorSystem("flights", {
  actors: [airport, route],
  statestore: sqliteStatestore({ file }),
});
await system.start();

answerRequests({
  handle(message) {
    const request = message as DemoRequest;
    if (request.type === "apply") return applyFlight(system, request.flight, request.key);
    const { definition, name } = request;
    if (definition === "airport") return system.actor(airport, name).get();
    return system.actor(route, name).get();
  },
  stop: () => system.stop(),
});
