/**
 * Changes keys slowly and prints how far it is, until it is killed.
 *
 * usage: reencrypting.ts URL OLD NEXT (keys in base64)
 */
import { actorSystem } from "spawn-mesh";
import { statestoreFromUrl } from "spawn-mesh/statestores";
import { counter } from "./kept-counter.ts";

const [url = "", old = "", next = ""] = process.argv.slice(2);
const system = actorSystem("test", {
  actors: [counter],
  statestore: statestoreFromUrl(url),
  encryption: { keys: { old, next }, active: "next" },
});
await system.start();
await system.reencrypt({
  rowsPerSecondMax: 200,
  onProgress: ({ rewritten }) => process.stdout.write(`${rewritten}\n`),
});
