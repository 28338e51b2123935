// The shop as a program: where its state is, its keys or its sidecar, and its end, come from the environment.
import { actorSystem } from "spawn-mesh";
import { statestoreFromUrl } from "spawn-mesh/statestores";
import { cart } from "./cart.ts";
import { mailer, order } from "./order.ts";
import { report } from "./report.ts";
import { shopServer } from "./server.ts";
import { stock } from "./stock.ts";

const { DATABASE_URL = "sqlite:shop.db", PORT = "8080", SHOP_KEY, SIDECAR } = process.env;

const encryption = SHOP_KEY === undefined ? undefined : { keys: { "2026-11": SHOP_KEY } };
const system = actorSystem("shop", {
  actors: [cart, order, report, stock],
  externals: [mailer],
  ...(SIDECAR === undefined
    ? { statestore: statestoreFromUrl(DATABASE_URL), encryption }
    : { sidecar: SIDECAR }),
  handleSignals: false,
});
await system.start();
const server = shopServer(system).listen(Number(PORT), "127.0.0.1", () =>
  console.log("http://127.0.0.1:%s", PORT),
);

async function end(): Promise<void> {
  server.close(); // no new connections
  server.closeIdleConnections();
  await system.stop(); // what runs comes to its end, and is answered
}

for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void end());
