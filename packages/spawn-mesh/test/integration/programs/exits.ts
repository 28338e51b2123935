/** FILE idle|at-once: a program that just ends after an awaited call, or ends itself. */
import { appendAndSay, listSystem } from "./list-actor.ts";

const [file = "", mode] = process.argv.slice(2);
const system = listSystem(file);
await system.start();
await appendAndSay(system, { name: "a", element: 1 });
if (mode === "at-once") process.exit(0);
