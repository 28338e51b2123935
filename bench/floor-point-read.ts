/**
 * Floor of W4-reload: node:sqlite reads one small state by its key and parses it, on the calling
 * thread, from a table of 100 000.
 *
 * usage: node --expose-gc bench/floor-point-read.ts W4-reload
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { dataFolder } from "./harness/data-folder.ts";
import { SAMPLE_EVERY, measure, seededPick } from "./harness/measure.ts";

const ACTORS = 100_000;

const database = new DatabaseSync(join(dataFolder("point-read"), "state.db"));
database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
  CREATE TABLE actor (id TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;`);
const insert = database.prepare("INSERT INTO actor VALUES (?, ?)");
database.exec("BEGIN IMMEDIATE");
for (let index = 0; index < ACTORS; index++) insert.run(`many-${index}`, '{"total":0}');
database.exec("COMMIT");
const select = database.prepare("SELECT state FROM actor WHERE id = ?");
const pick = seededPick();
await measure({
  peer: "node-sqlite-FULL",
  workload: "W4-reload",
  durability: "read",
  inflight: 1,
  actors: ACTORS,
  sampleEvery: SAMPLE_EVERY,
  op: () => JSON.parse(String(select.get(`many-${pick(ACTORS)}`)?.["state"])) as unknown,
});
database.close();
