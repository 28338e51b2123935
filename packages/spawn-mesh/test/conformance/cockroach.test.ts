/** The statestore on CockroachDB, against the contract of the port and the model; what it says PostgreSQL understands too. */
import { cockroachStatestore } from "../../src/statestores/cockroach/index.ts";
import { cockroach, postgres } from "../servers/postgres.ts";
import { checkServer, statementTimeoutMs } from "./check-contract.ts";

for (const server of [cockroach, { ...postgres, name: "cockroach on PostgreSQL" }]) {
  checkServer(server, (url) => cockroachStatestore({ url, statementTimeoutMs }));
}
