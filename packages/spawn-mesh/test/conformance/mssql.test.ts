/** The statestores on Microsoft SQL Server, against the contract of the port and the model. */
import { mssqlStatestore } from "../../src/statestores/mssql/index.ts";
import { mssqlDatabase } from "../servers/mssql.ts";
import { checkServer, statementTimeoutMs } from "./check-contract.ts";

checkServer(mssqlDatabase, (url) => mssqlStatestore({ url, statementTimeoutMs }));
