/** Every statestore of the library against the contract of the port, and against the model. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MessageStore } from "../../src/engine/message-store.ts";
import type { Statestore } from "../../src/engine/statestore.ts";
import { cockroachStatestore } from "../../src/statestores/cockroach/index.ts";
import { encryptedStatestore } from "../../src/statestores/encrypted/index.ts";
import { mssqlStatestore } from "../../src/statestores/mssql/index.ts";
import { mysqlStatestore } from "../../src/statestores/mysql/index.ts";
import { memoryStatestore } from "../../src/statestores/memory/index.ts";
import { postgresStatestore } from "../../src/statestores/postgres/index.ts";
import { sqliteStatestore } from "../../src/statestores/sqlite/index.ts";
import {
  sealedRowsConformance,
  statestoreConformance,
  type OpenStatestore,
} from "../../src/testing/statestore-conformance.ts";
import { runStatestoreModel } from "../../src/testing/statestore-model.ts";
import { mariadb, mysqlDatabase } from "../servers/mariadb.ts";
import { mssqlDatabase } from "../servers/mssql.ts";
import { cockroach, postgres } from "../servers/postgres.ts";
import type { TestDatabase, TestDatabaseServer } from "../servers/test-database.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-statestores-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const encryption = { keys: { key: randomBytes(32) }, required: true };

/** For each kind of statestore without a server: makes a way to open one that is empty at first. */
const kinds: Readonly<Record<string, () => OpenStatestore>> = {
  memory() {
    const store = memoryStatestore();
    return (owner, keyIds) => opened(store, owner, keyIds);
  },
  sqlite() {
    const file = join(mkdtempSync(join(directory, "sqlite-")), "state.db");
    return (owner, keyIds) => opened(sqliteStatestore({ file }), owner, keyIds);
  },
  "encrypted memory"() {
    const store = encryptedStatestore(memoryStatestore(), encryption);
    return (owner) => opened(store, owner);
  },
  "encrypted sqlite"() {
    const file = join(mkdtempSync(join(directory, "encrypted-")), "state.db");
    return (owner) => opened(encryptedStatestore(sqliteStatestore({ file }), encryption), owner);
  },
};

/** Statements take their time while all other tests run. */
const statementTimeoutMs = 30_000;

/** For each kind of server: a statestore on a database of it. */
const servers: readonly (readonly [TestDatabase, (url: string) => Statestore])[] = [
  [postgres, (url) => postgresStatestore({ url, statementTimeoutMs })],
  [mariadb, (url) => mysqlStatestore({ url, statementTimeoutMs })],
  [cockroach, (url) => cockroachStatestore({ url, statementTimeoutMs })],
  [
    { ...postgres, name: "cockroach on PostgreSQL" },
    (url) => cockroachStatestore({ url, statementTimeoutMs }),
  ],
  [mysqlDatabase, (url) => mysqlStatestore({ url, statementTimeoutMs })],
  [mssqlDatabase, (url) => mssqlStatestore({ url, statementTimeoutMs })],
];

async function opened(
  store: Statestore,
  owner: string,
  keyIds: readonly string[] = [],
): Promise<Statestore> {
  await store.open({ owner, keyIds });
  return store;
}

/** mulberry32: a small generator that a seed determines. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FIXED_SEEDS = [1, 2, 582_877_790, 993_007_826];
const randomSeed = Math.floor(Math.random() * 2 ** 31);

for (const [kind, create] of Object.entries(kinds)) {
  describe.concurrent(`${kind} statestore`, () => {
    if (kind.startsWith("encrypted")) checkContract(create, [randomSeed]);
    else checkKeeping(create);
  });
}

for (const [database, connect] of servers) {
  if (database.missing !== undefined) {
    test.skip(`${database.name} statestore, which needs ${database.missing}`, () => undefined);
    continue;
  }
  describe.concurrent(`${database.name} statestore`, () => {
    let server: TestDatabaseServer;
    beforeAll(async () => {
      server = await database.start();
    });
    afterAll(() => server.stop());

    checkKeeping(() => {
      const place = server.createPlace();
      return async (owner, keyIds) => opened(connect(await place), owner, keyIds);
    });

    describe("with encryption", () => {
      const create = (): OpenStatestore => {
        const place = server.createPlace();
        return async (owner) =>
          opened(encryptedStatestore(connect(await place), encryption), owner);
      };
      checkContract(create, [randomSeed]);
    });
  });
}

/** A statestore that keeps what it is given, sealed or not. */
function checkKeeping(create: () => OpenStatestore): void {
  checkContract(create, [...FIXED_SEEDS, randomSeed]);
  for (const { name, run } of sealedRowsConformance) test(name, () => run(create()));
}

function checkContract(create: () => OpenStatestore, seeds: readonly number[]): void {
  for (const { name, run } of statestoreConformance) test(name, () => run(create()));

  for (const seed of seeds) {
    test(`answers as the model does, seed ${seed}`, async () => {
      await runStatestoreModel({ open: create(), random: seededRandom(seed) });
    });
  }
}

test("the model finds a statestore that forgets to fence", async () => {
  const memory = memoryStatestore();
  const forgetful: Statestore = {
    ...bound(memory),
    // Says that everything was applied.
    commit: async (commits) =>
      (await memory.commit(commits)).map((handle, index) => handle ?? commits[index]?.handle ?? 0),
  };
  const open: OpenStatestore = (owner) => opened(forgetful, owner);
  await expect(runStatestoreModel({ open, random: seededRandom(1) })).rejects.toThrow(
    /differs|handle/,
  );
});

describe("the model finds a statestore", () => {
  const withMessages = (store: Statestore, messages: Partial<MessageStore>): Statestore => ({
    ...bound(store),
    messages: { ...boundMessages(store.messages), ...messages },
  });

  test.each<[string, (memory: Statestore) => Statestore]>([
    [
      "that commits although a message is gone",
      (memory) => ({
        ...bound(memory),
        commit: async (commits) => {
          const ids = new Set((await memory.messages.list({ limit: 1000 })).map(({ id }) => id));
          return await memory.commit(
            commits.map((commit) => ({
              ...commit,
              consumes: commit.consumes.filter(({ id }) => ids.delete(id)),
            })),
          );
        },
      }),
    ],
    [
      "that sends what a refused commit would have sent",
      (memory) => ({
        ...bound(memory),
        commit: async (commits) => {
          const handles = await memory.commit(commits);
          await memory.messages.send(commits.flatMap(({ sends }) => sends));
          return handles;
        },
      }),
    ],
    [
      "that forgets to count an attempt",
      (memory) =>
        withMessages(memory, {
          async claim(claim) {
            const claimed = await memory.messages.claim(claim);
            const uncounted = claimed.map((one) => ({ ...one, attempts: one.attempts - 1 }));
            await memory.messages.postpone(uncounted);
            return claimed;
          },
        }),
    ],
    [
      "that lets what is retried keep its place in line",
      (memory) =>
        withMessages(memory, {
          async retryParked(ids, dueAt) {
            const later = await memory.messages.list({ limit: 1000 });
            const retried = await memory.messages.retryParked(ids, dueAt);
            // The others go behind it.
            for (const one of later) await memory.messages.replace(one, [one]);
            await memory.messages.postpone(later);
            return retried;
          },
        }),
    ],
    [
      "that lets a message past the one before it",
      (memory) =>
        withMessages(memory, {
          async claim(claim) {
            const inLine = await memory.messages.list({ limit: 1000 });
            // Stored again in the order in which they are due.
            for (const one of inLine) await memory.messages.replace(one, [one]);
            await memory.messages.postpone(inLine);
            return await memory.messages.claim(claim);
          },
        }),
    ],
    [
      "that forgets what is blocked when it says when it has something next",
      (memory) =>
        withMessages(memory, {
          nextDueAt: async () => (await memory.messages.list({ limit: 1 }))[0]?.dueAt,
        }),
    ],
    [
      "that discards what still waits",
      (memory) =>
        withMessages(memory, {
          discardParked: async (ids) => [
            ...(await memory.messages.discardParked(ids)),
            ...(await memory.messages.remove(ids)),
          ],
        }),
    ],
  ])("%s", async (_what, breaks) => {
    const broken = breaks(memoryStatestore());
    const open: OpenStatestore = (owner) => opened(broken, owner);
    await expect(runStatestoreModel({ open, random: seededRandom(1) })).rejects.toThrow(/differs/);
  });

  test("that writes other entries than were committed", async () => {
    const memory = memoryStatestore();
    const broken: Statestore = {
      ...bound(memory),
      commit: (commits) =>
        memory.commit(
          commits.map(({ index, ...rest }) => ({ ...rest, ...(index && { index: [] }) })),
        ),
    };
    const open: OpenStatestore = (owner) => opened(broken, owner);
    await expect(runStatestoreModel({ open, random: seededRandom(1) })).rejects.toThrow(/differs/);
  });

  test("and none that works", async () => {
    const memory = memoryStatestore();
    const working = withMessages(memory, {});
    const open: OpenStatestore = (owner) => opened(working, owner);
    await runStatestoreModel({ open, random: seededRandom(1) });
  });
});

function boundMessages(messages: MessageStore): MessageStore {
  return {
    send: (sent) => messages.send(sent),
    claim: (claim) => messages.claim(claim),
    nextDueAt: () => messages.nextDueAt(),
    postpone: (postponements) => messages.postpone(postponements),
    replace: (id, others) => messages.replace(id, others),
    remove: (ids) => messages.remove(ids),
    list: (page) => messages.list(page),
    listSentLater: (page) => messages.listSentLater(page),
    park: (parked, at) => messages.park(parked, at),
    listParked: (page) => messages.listParked(page),
    retryParked: (ids, dueAt) => messages.retryParked(ids, dueAt),
    discardParked: (ids) => messages.discardParked(ids),
  };
}

function bound(store: Statestore): Statestore {
  return {
    open: (session) => store.open(session),
    load: (queries) => store.load(queries),
    commit: (commits) => store.commit(commits),
    needsEncryption: store.needsEncryption,
    messages: store.messages,
    sealed: store.sealed,
    queries: store.queries,
    systems: store.systems,
    listActors: (of) => store.listActors(of),
    listRevisions: (actor) => store.listRevisions(actor),
    readRevision: (actor, revision) => store.readRevision(actor, revision),
    prune: (wall, limit) => store.prune(wall, limit),
    close: () => store.close(),
  };
}
