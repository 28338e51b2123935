/**
 * Floors of the workloads on databases with a server: what the database itself gives, through the
 * driver that ours uses, without a mailbox and without an engine. In groups of 250 states on 4
 * connections, or row by row on 32 connections, which is what a program does that saves each change
 * by itself. The states are in clear, where ours are encrypted.
 *
 * usage: node --expose-gc --conditions=@spawn-mesh/source bench/floor-database.ts WORKLOAD [row-by-row]
 */
import mysql from "mysql2/promise";
import pg from "pg";
import {
  DATABASE_DURABILITY,
  type DatabaseKind,
  isDatabaseKind,
  startDatabase,
} from "./harness/database.ts";
import { measure, seededPick } from "./harness/measure.ts";

const STORED_ACTORS = 100_000;
const CALLED_ACTORS = 1_000;
const GROUP_CONNECTIONS = 4;
/** Groups that are under way have no actor in common, and do not wait for one another. */
const GROUP = CALLED_ACTORS / GROUP_CONNECTIONS;
const ROW_CONNECTIONS = 32;

/** States by their ids, in a table of a real database. */
interface StateTable {
  save(id: string, state: string): Promise<unknown>;
  saveAll(ids: readonly string[], states: readonly string[]): Promise<unknown>;
  /** Answers the states. */
  read(ids: readonly string[]): Promise<readonly string[]>;
  fill(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

async function postgresTable(url: string, connections: number): Promise<StateTable> {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  // Its connections may hear of the end of the server after the pool has ended.
  pool.on("error", () => undefined);
  await pool.query("CREATE TABLE state (id text PRIMARY KEY, state bytea) WITH (fillfactor = 50)");
  const saveAll: StateTable["saveAll"] = (ids, states) =>
    pool.query({
      name: "all",
      text: `INSERT INTO state SELECT * FROM unnest($1::text[], $2::bytea[])
        ON CONFLICT (id) DO UPDATE SET state = excluded.state`,
      values: [ids, states.map((state) => Buffer.from(state))],
    });
  return {
    saveAll,
    save: (id, state) =>
      pool.query({
        name: "one",
        text: "UPDATE state SET state = $2 WHERE id = $1",
        values: [id, Buffer.from(state)],
      }),
    async read(ids) {
      const { rows } = await pool.query<[Buffer]>({
        name: "read",
        text: "SELECT state FROM state WHERE id = ANY($1)",
        values: [ids],
        rowMode: "array",
      });
      return rows.map(([state]) => state.toString());
    },
    fill: (ids) => inSlices(ids, saveAll),
    close: () => pool.end(),
  };
}

async function mariadbTable(url: string, connections: number): Promise<StateTable> {
  const uri = url.replace(/^mariadb:/, "mysql:");
  const pool = mysql.createPool({ uri, connectionLimit: connections, rowsAsArray: true });
  await pool.query("CREATE TABLE state (id VARBINARY(64) PRIMARY KEY, state LONGBLOB)");
  const saveAll: StateTable["saveAll"] = (ids, states) =>
    pool.query("INSERT INTO state VALUES ? ON DUPLICATE KEY UPDATE state = VALUES(state)", [
      ids.map((id, at) => [id, states[at]]),
    ]);
  return {
    saveAll,
    save: (id, state) => pool.execute("UPDATE state SET state = ? WHERE id = ?", [state, id]),
    async read(ids) {
      const [rows] = await pool.query("SELECT state FROM state WHERE id IN (?)", [ids]);
      return (rows as unknown as readonly [Buffer][]).map(([state]) => state.toString());
    },
    fill: (ids) => inSlices(ids, saveAll),
    close: () => pool.end(),
  };
}

const tables: Readonly<Record<DatabaseKind, typeof postgresTable>> = {
  postgres: postgresTable,
  mariadb: mariadbTable,
};

async function inSlices(ids: readonly string[], saveAll: StateTable["saveAll"]): Promise<void> {
  for (let first = 0; first < ids.length; first += 1_000) {
    const slice = ids.slice(first, first + 1_000);
    await saveAll(
      slice,
      slice.map(() => '{"total":0}'),
    );
  }
}

function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `counter-${index}`);
}

const [, , name = "", way] = process.argv;
const [workload = "", variant] = name.split("/");
if (!isDatabaseKind(variant)) throw new Error(`floor-database has no workload ${name}`);
const isRowByRow = way === "row-by-row";
const isReload = workload === "W4-reload";
const database = await startDatabase(variant);
const inflight = isRowByRow ? ROW_CONNECTIONS : GROUP_CONNECTIONS;
const table = await tables[variant](database.url, inflight);
const ids = names(isReload ? STORED_ACTORS : CALLED_ACTORS);
await table.fill(ids);
const pick = seededPick();
let total = 0;

function anyone(): string {
  return ids[pick(ids.length)]!;
}

function groupAt(index: number): readonly string[] {
  const first = (index * GROUP) % ids.length;
  return ids.slice(first, first + GROUP);
}

function nextState(): string {
  return `{"total":${++total}}`;
}

async function readBack(wanted: readonly string[]): Promise<void> {
  const states = (await table.read(wanted)).map((state): unknown => JSON.parse(state));
  if (states.length !== wanted.length) throw new Error("a state did not come back");
}

function operation(index: number): Promise<unknown> {
  if (isReload) return readBack(isRowByRow ? [anyone()] : groupAt(index));
  if (isRowByRow) return table.save(anyone(), nextState());
  const group = groupAt(index);
  return table.saveAll(group, group.map(nextState));
}

await measure({
  peer: `${variant}-${isRowByRow ? "row-by-row" : "groups"}`,
  workload: name,
  durability: isReload ? "read" : DATABASE_DURABILITY[variant],
  inflight,
  actors: ids.length,
  opsPerCall: isRowByRow ? 1 : GROUP,
  pids: [database.pid],
  op: operation,
});
await table.close();
await database.stop();
