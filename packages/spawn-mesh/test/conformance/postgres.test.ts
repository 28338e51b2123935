/** The statestores on PostgreSQL, and CockroachDB, which speaks as it does, against the contract of the port and the model. */
import { cockroachStatestore } from "../../src/statestores/cockroach/index.ts";
import { postgresStatestore } from "../../src/statestores/postgres/index.ts";
import { cockroach, postgres } from "../servers/postgres.ts";
import { checkServer, statementTimeoutMs } from "./check-contract.ts";

checkServer(postgres, (url) => postgresStatestore({ url, statementTimeoutMs }));
checkServer(cockroach, (url) => cockroachStatestore({ url, statementTimeoutMs }));
checkServer({ ...postgres, name: "cockroach on PostgreSQL" }, (url) =>
  cockroachStatestore({ url, statementTimeoutMs }),
);
