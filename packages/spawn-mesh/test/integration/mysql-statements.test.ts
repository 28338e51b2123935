/** In how many statements rows come to MySQL and MariaDB that no commit brings. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Statestore } from "../../src/engine/statestore.ts";
import type { SystemRow } from "../../src/engine/system-rows.ts";
import { memoryStatestore } from "../../src/statestores/memory/index.ts";
import { mysqlStatestore } from "../../src/statestores/mysql/index.ts";
import {
  actorNamed,
  createActor,
  firstCommit,
  nextCommit,
  reply,
  wholeRows,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { message, ordered, ref } from "../../src/testing/statestore-cases/message-fixtures.ts";
import { index } from "../../src/testing/statestore-cases/query-fixtures.ts";
import { administerMysql, mariadb, mysqlDatabase } from "../servers/mariadb.ts";
import type { TestDatabaseServer } from "../servers/test-database.ts";

const ROWS = 300;
/** Of 256 rows each, and one more for the rest. */
const STATEMENTS = 2;
const numbers = Array.from({ length: ROWS }, (_, at) => at);

/** Actors, each with a revision, an entry, a reply and a message; and as many messages that were given up. */
async function systemRows(): Promise<readonly SystemRow[]> {
  const store = memoryStatestore();
  await store.open({ owner: "session-1" });
  for (const at of numbers) {
    const actor = actorNamed(`a${at}`);
    const row = await createActor(store, actor);
    const parts = { index: index({ at }), replies: [reply("k")], sends: [ordered(`m${at}`)] };
    await store.commit([nextCommit(actor, row, { ...parts, revisionsKept: 1 })]);
  }
  await store.messages.send(numbers.map((at) => message(`p${at}`)));
  await store.messages.park(
    numbers.map((at) => ({ ...ref(`p${at}`), error: "no" })),
    1,
  );
  const rows: SystemRow[] = [];
  for await (const part of store.systems.read("shop")) rows.push(...wholeRows(part));
  return rows;
}

for (const database of [mariadb, mysqlDatabase]) {
  describe.skipIf(database.missing !== undefined)(`on ${database.name}`, () => {
    let server: TestDatabaseServer;
    beforeAll(async () => {
      server = await database.start();
    });
    afterAll(() => server.stop());

    /** How many INSERT statements the server runs for `work`. */
    async function insertsOf(work: (store: Statestore) => Promise<unknown>): Promise<number> {
      const url = await server.createPlace();
      const store = mysqlStatestore({ url });
      await store.open({ owner: "session-1" });
      await store.commit([firstCommit(actorNamed("ann"))]);
      const count = async (): Promise<number> => {
        const rows = await administerMysql(url, "SHOW GLOBAL STATUS LIKE 'Com_insert%'");
        const counts = rows as readonly { readonly Value: unknown }[];
        return counts.reduce((sum, { Value }) => sum + Number(Value), 0);
      };
      const before = await count();
      await work(store);
      const after = await count();
      await store.close();
      return after - before;
    }

    test("an import takes a statement for many rows", async () => {
      const rows = await systemRows();
      expect(rows.length).toBe(6 * ROWS);
      expect(await insertsOf((store) => store.systems.add(rows))).toBe(6 * STATEMENTS);
    });

    test("so do messages that no commit sends", async () => {
      const messages = numbers.map((at) => message(`m${at}`));
      const sent = await insertsOf(async (store) => {
        await store.messages.send(messages);
        const first = await store.messages.list({ limit: 10 });
        expect(first).toHaveLength(10);
      });
      expect(sent).toBe(STATEMENTS);
    });

    test("and those that take the place of another one", async () => {
      const replaced = await insertsOf(async (store) => {
        await store.messages.send([message("one")]);
        const messages = numbers.map((at) => message(`m${at}`));
        expect(await store.messages.replace(ref("one"), messages)).toBe(true);
      });
      expect(replaced).toBe(1 + STATEMENTS);
    });
  });
}
