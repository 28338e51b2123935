/** The statestores on MariaDB and MySQL, against the contract of the port and the model. */
import { mysqlStatestore } from "../../src/statestores/mysql/index.ts";
import { mariadb, mysqlDatabase } from "../servers/mariadb.ts";
import { checkServer, statementTimeoutMs } from "./check-contract.ts";

checkServer(mariadb, (url) => mysqlStatestore({ url, statementTimeoutMs }));
checkServer(mysqlDatabase, (url) => mysqlStatestore({ url, statementTimeoutMs }));
