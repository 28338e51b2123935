/** Starts database servers, says what their processes are, and stays. */
import { mariadb, startMariadb } from "../../servers/mariadb.ts";
import { postgres, startPostgres } from "../../servers/postgres.ts";

const pids: number[] = [];
if (postgres.missing === undefined) pids.push((await startPostgres()).pid);
if (mariadb.missing === undefined) pids.push((await startMariadb()).pid);
process.stdout.write(`${JSON.stringify(pids)}\n`);
setInterval(() => undefined, 60_000);
