/** The process that runs the actions of the flights beside a sidecar, which keeps their states. */
import { actorSystem } from "spawn-mesh";
import { answerRequests } from "../chaos/answer-requests.ts";
import { airport, route } from "./flight-actors.ts";

const [sidecar = ""] = process.argv.slice(2);
const system = actorSystem("flights", { actors: [airport, route], sidecar });
await system.start();

// The sidecar asks it for everything; the parent only wants to know whether it is there.
answerRequests({ handle: async () => undefined, stop: () => system.stop() });
