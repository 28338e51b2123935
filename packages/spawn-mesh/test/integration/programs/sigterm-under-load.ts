/** FILE: calls without end, slow and fast ones, and SIGTERM in the middle of them. */
import { appendAndSay, listSystem } from "./list-actor.ts";

const LISTS = 8;
const CALLERS = 64;
const ACKNOWLEDGED_BEFORE = 200;

const [file = ""] = process.argv.slice(2);
const system = listSystem(file);
await system.start();

let acknowledged = 0;
let element = 0;

/** Until a call is refused. */
async function callOverAndOver(caller: number): Promise<void> {
  for (let isAccepted = true; isAccepted;) {
    const name = `list-${caller % LISTS}`;
    isAccepted = await appendAndSay(system, { name, element: element++, isSlow: caller < LISTS });
    if (isAccepted && ++acknowledged === ACKNOWLEDGED_BEFORE) process.kill(process.pid, "SIGTERM");
  }
}

await Promise.all(Array.from({ length: CALLERS }, (_, caller) => callOverAndOver(caller)));
