/** FILE listening|deaf: a program that does not want its signals handled, with or without an own listener. */
import { appendAndSay, listSystem, say } from "./list-actor.ts";

const [file = "", mode] = process.argv.slice(2);
const system = listSystem(file, { handleSignals: false });
await system.start();

if (mode === "listening") {
  process.on("SIGTERM", () => {
    say("told");
    void system.stop().then(() => process.exit(3));
  });
}
const call = appendAndSay(system, { name: "a", element: 1, isSlow: true });
process.kill(process.pid, "SIGTERM");
await call;
