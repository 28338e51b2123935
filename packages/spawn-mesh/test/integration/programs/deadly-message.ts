/**
 * FILE send|go-on: a message whose action ends the process each time, among others that are innocent.
 * Says what was applied and what is parked when nothing waits any more.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { actor, actorSystem } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { list, say } from "./list-actor.ts";

const NEIGHBOURS = 20;
const LOOK_MS = 50;

const sender = actor("sender", {
  state: () => ({ sent: 0 }),
  actions: {
    send(ctx) {
      ctx.effect(list, "neighbour").append(0);
      ctx.effect(list, "deadly").exit(-1);
      for (let element = 1; element < NEIGHBOURS; element++) {
        ctx.effect(list, `neighbour-${element}`).append(element);
        ctx.effect(list, "neighbour").append(element);
      }
      // Behind the deadly one, in its lane.
      ctx.effect(list, "deadly").append(1);
      ctx.state.sent++;
    },
  },
});

const [file = "", what] = process.argv.slice(2);
const system = actorSystem("lists", {
  actors: [list, sender],
  statestore: sqliteStatestore({ file }),
  limits: { messageAttemptsMax: 3 },
});
await system.start();
say("started");
if (what === "send") await system.actor(sender).send();
while ((await system.messages.list()).length > 0) await sleep(LOOK_MS);

for (const { target, action, attempts, error } of await system.messages.listParked()) {
  say(`parked ${target.name} ${action} ${attempts} ${error}`);
}
for (const name of ["neighbour", "deadly", "neighbour-7"]) {
  say(`has ${name} ${JSON.stringify(await system.actor(list, name).elements())}`);
}
await system.stop();
