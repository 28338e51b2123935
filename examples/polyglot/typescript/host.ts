// The TypeScript third of the example: hosts an actor beside the proxy, or calls one.
//   host.ts serve NAME          host.ts call NAME VALUE
import { actor, actorSystem, connect } from "spawn-mesh";

const proxy = process.env["SPAWN_PROXY"] ?? "http://127.0.0.1:9001";
const [command, name = "incrementor", value = "1"] = process.argv.slice(2);

const incrementor = actor(name, {
  state: () => ({ total: 0 }),
  actions: {
    add(ctx, payload: { value: number }) {
      ctx.state.total += payload.value;
      return { total: ctx.state.total };
    },
  },
});

if (command === "serve") {
  const system = actorSystem("spawn-system", { actors: [incrementor], sidecar: proxy });
  await system.start();
  console.log(`TypeScript hosts ${name}`);
} else {
  const spawn = connect(proxy);
  const reply = await spawn.invoke(name, {
    action: "add",
    system: "spawn-system",
    payload: { value: Number(value) },
  });
  console.log(JSON.stringify(reply));
}
