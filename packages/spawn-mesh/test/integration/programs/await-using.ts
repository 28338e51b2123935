/** FILE: a system that a block disposes of; the file is free after it. */
import { appendAndSay, listSystem, say } from "./list-actor.ts";

const [file = ""] = process.argv.slice(2);

for (const element of [1, 2]) {
  await using system = listSystem(file);
  await system.start();
  // Not awaited: what is accepted is done and committed before the block is left.
  void appendAndSay(system, { name: "a", element, isSlow: true });
}
say("done");
