/** The statestore on PostgreSQL, against the contract of the port and the model. */
import { postgresStatestore } from "../../src/statestores/postgres/index.ts";
import { postgres } from "../servers/postgres.ts";
import { checkServer, statementTimeoutMs } from "./check-contract.ts";

checkServer(postgres, (url) => postgresStatestore({ url, statementTimeoutMs }));
