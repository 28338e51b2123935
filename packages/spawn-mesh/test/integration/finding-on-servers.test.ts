/** What it costs a database with a server to find actors. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoredMessage } from "../../src/engine/message-store.ts";
import type { Statestore } from "../../src/engine/statestore.ts";
import { statestoreFromUrl } from "../../src/statestores/from-url.ts";
import { actorNamed, firstCommit } from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { DUE_AT, message } from "../../src/testing/statestore-cases/message-fixtures.ts";
import { findAll, index, within } from "../../src/testing/statestore-cases/query-fixtures.ts";
import { administerMysql, countMysqlLooks, mariadb, mysqlDatabase } from "../servers/mariadb.ts";
import { administer, countPostgresLooks, postgres } from "../servers/postgres.ts";
import type { TestDatabaseServer } from "../servers/test-database.ts";

const ACTORS = 4_000;
const GROUP = 500;
const PAGE = 100;
/** For an actor that is found: where its part ends, its entry, its row, and their entries in indexes. */
const LOOKS_EACH_MAX = 10;

const analyzePostgres = (url: string): Promise<unknown> => administer(url, "ANALYZE");
const analyzeMysql = (url: string): Promise<unknown> =>
  administerMysql(url, "ANALYZE TABLE spawn_actor, spawn_index");

const counters = { system: "shop", definition: "counter" };

async function listNames(store: Statestore): Promise<readonly string[]> {
  const names: string[] = [];
  for (let after: string | undefined; ; after = names.at(-1)) {
    const page = await store.listActors({ ...counters, after, limit: PAGE });
    if (page.length === 0) return names;
    names.push(...page);
  }
}

async function listMessages(store: Statestore): Promise<readonly unknown[]> {
  const messages: StoredMessage[] = [];
  for (;;) {
    const last = messages.at(-1);
    const after = last && { at: last.dueAt, id: last.id };
    const page = await store.messages.list({ limit: PAGE, ...(after && { after }) });
    if (page.length === 0) return messages;
    messages.push(...page);
  }
}

const pages = { limit: PAGE, looksMax: PAGE };
const ways: Readonly<Record<string, (store: Statestore) => Promise<readonly unknown[]>>> = {
  "one after the other": (store) => findAll(store, pages),
  "in the order of an index": (store) =>
    findAll(store, { ...pages, where: [within("at", { from: 0 })] }),
  "as those who listen to a channel": listNames,
};
/** Elsewhere no index has the order of messages. */
const waysOfPostgres: typeof ways = { ...ways, "messages that wait": listMessages };

const databases = [
  [postgres, waysOfPostgres, countPostgresLooks, analyzePostgres],
  [mariadb, ways, countMysqlLooks, analyzeMysql],
  [mysqlDatabase, ways, countMysqlLooks, analyzeMysql],
] as const;

for (const [database, waysHere, countLooks, analyze] of databases) {
  describe.skipIf(database.missing !== undefined)(`finding actors on ${database.name}`, () => {
    let server: TestDatabaseServer;
    beforeAll(async () => {
      server = await database.start();
    });
    afterAll(() => server.stop());

    describe.each(["that nobody has analyzed", "that was analyzed"])("in a database %s", (what) => {
      let url: string;
      beforeAll(async () => {
        url = await server.createPlace();
        const store = statestoreFromUrl(url);
        await store.open({ owner: "session-1" });
        for (let first = 0; first < ACTORS; first += GROUP) {
          const numbers = Array.from({ length: GROUP }, (_, at) => first + at);
          await store.commit(
            numbers.map((at) => {
              const sends = [message(`m${at}`, { dueAt: DUE_AT + (at >> 1) })];
              return firstCommit(actorNamed(`a${at}`), { index: index({ at }), sends });
            }),
          );
        }
        await store.close();
        if (what === "that was analyzed") await analyze(url);
      });

      test.each(Object.keys(waysHere))("looks at the rows of each page alone: %s", async (way) => {
        const before = await countLooks(url);
        const store = statestoreFromUrl(url);
        await store.open({ owner: "session-2" });
        expect(await waysHere[way]!(store)).toHaveLength(ACTORS);
        await store.close();
        // A connection tells what it did when it is closed.
        const looks = async (): Promise<number> => (await countLooks(url)) - before;
        await expect.poll(looks).toBeGreaterThanOrEqual(ACTORS);
        expect(await looks()).toBeLessThan(ACTORS * LOOKS_EACH_MAX);
      });
    });
  });
}
