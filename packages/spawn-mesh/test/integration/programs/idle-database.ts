/** Uses a database and is done: the connections that it keeps must not keep the process. */
import { randomBytes } from "node:crypto";
import { actor, actorSystem } from "spawn-mesh";
import { statestoreFromUrl } from "spawn-mesh/statestores";

const counter = actor("counter", {
  state: () => ({ total: 0 }),
  actions: { add: (ctx) => ++ctx.state.total },
});
const [url = ""] = process.argv.slice(2);
const system = actorSystem("idle", {
  actors: [counter],
  statestore: statestoreFromUrl(url),
  encryption: { keys: { key: randomBytes(32) } },
});
await system.start();
console.log(await system.actor(counter).add());
