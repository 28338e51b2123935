/** FILE FILE: two systems in one process, both with a call at work, and one SIGTERM. */
import { appendAndSay, listSystem } from "./list-actor.ts";

const [first = "", second = ""] = process.argv.slice(2);
const systems = [listSystem(first, { name: "one" }), listSystem(second, { name: "two" })];
await Promise.all(systems.map((system) => system.start()));

const calls = systems.map((system, element) =>
  appendAndSay(system, { name: system.name, element, isSlow: true }),
);
process.kill(process.pid, "SIGTERM");
await Promise.all(calls);
