/** FILE exit|loop|reject: many calls, and among them one whose code ends the process. */
import { appendAndSay, list, listSystem } from "./list-actor.ts";

const LISTS = 8;
const CALLS_BEFORE = 200;
const CALLS_BESIDE = 50;

const [file = "", deadly] = process.argv.slice(2);
const system = listSystem(file);
await system.start();

const append = (element: number) =>
  appendAndSay(system, { name: `list-${element % LISTS}`, element });

await Promise.all(Array.from({ length: CALLS_BEFORE }, (_, element) => append(element)));

const beside = Array.from({ length: CALLS_BESIDE }, (_, at) => append(CALLS_BEFORE + at));
const victim = system.actor(list, "deadly");
if (deadly === "exit") await victim.exit(-1);
if (deadly === "loop") await victim.loop(-1);
if (deadly === "reject") await victim.reject(-1);
await Promise.all(beside);
// A rejection that nobody handles ends the process before these are through.
for (let element = CALLS_BEFORE + CALLS_BESIDE; ; element++) await append(element);
