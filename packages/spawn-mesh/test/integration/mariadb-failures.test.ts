/** MariaDB when something is wrong with it: at the start, in the middle of a commit, in its rows. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Statestore, StoreWarning } from "../../src/engine/statestore.ts";
import { type MysqlStatestoreOptions, mysqlStatestore } from "../../src/statestores/mysql/index.ts";
import {
  actorNamed,
  apply,
  createActor,
  firstCommit,
  loadRow,
  nextCommit,
  reply,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import {
  administerMysql,
  mariadb,
  MARIADB_PASSWORD,
  type MariadbServer,
  startMariadb,
} from "../servers/mariadb.ts";
import { TcpProxy } from "../servers/tcp-proxy.ts";

const ann = actorNamed("ann");

describe.skipIf(mariadb.missing !== undefined)("a MariaDB statestore", () => {
  let server: MariadbServer;
  const opened: Statestore[] = [];

  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(async () => {
    await Promise.all(opened.map((store) => store.close()));
    await server.stop();
  });

  async function open(
    url: string,
    options: Partial<MysqlStatestoreOptions> = {},
    warnings: StoreWarning[] = [],
  ): Promise<Statestore> {
    const store = mysqlStatestore({ url, connectionsMax: 3, ...options });
    await store.open({ owner: "session-1", onWarning: (warning) => warnings.push(warning) });
    opened.push(store);
    return store;
  }

  describe("at the start", () => {
    const mistakes: readonly (readonly [
      what: string,
      change: (url: URL) => void,
      reason: RegExp,
    ])[] = [
      ["a wrong password", (url) => void (url.password = "wrong"), /Access denied/],
      ["a user that is not there", (url) => void (url.username = "nobody"), /Access denied/],
      ["a database that is not there", (url) => void (url.pathname = "/none"), /Unknown database/],
      ["a port where nobody listens", (url) => void (url.port = "1"), /ECONNREFUSED/],
      [
        "TLS that the server does not have",
        (url) => url.searchParams.set("ssl-mode", "REQUIRED"),
        /secure connection/,
      ],
    ];

    test.each(mistakes)(
      "says that there is %s, and shows no password",
      async (_, change, reason) => {
        const url = new URL(server.url);
        change(url);
        const failure = await open(url.href).then(
          () => new Error("it opened"),
          (error: Error) => error,
        );
        expect(failure).toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
        expect(failure.message).toMatch(reason);
        expect(failure.message).not.toContain(MARIADB_PASSWORD);
      },
    );

    test("lets ten sessions make the tables at the same time", async () => {
      const url = await server.createPlace();
      const stores = await Promise.all(
        Array.from({ length: 10 }, () => open(url, { connectionsMax: 1 })),
      );
      await createActor(stores[0]!, ann);
      for (const store of stores) expect((await loadRow(store, ann)).revision).toBe(1);
      await Promise.all(stores.map((store) => store.close()));
    });

    test("refuses tables that need a newer version, and uses newer ones that do not", async () => {
      const url = await server.createPlace();
      await (await open(url)).close();
      await administerMysql(
        url,
        "UPDATE spawn_meta SET value = '99' WHERE name = 'schema_version'",
      );
      await (await open(url)).close();
      await administerMysql(url, "UPDATE spawn_meta SET value = '98' WHERE name = 'schema_oldest'");
      await expect(open(url)).rejects.toThrow(/version 99, which needs .* version 98/);
    });

    test("warns of settings that may lose what was acknowledged, and refuses to only read", async () => {
      const url = await server.createPlace();
      const calm: StoreWarning[] = [];
      await (await open(url, {}, calm)).close();
      expect(calm).toEqual([]);
      const careless = await startMariadb({
        innodb_flush_log_at_trx_commit: "2",
        log_bin: "binlog",
        sync_binlog: "0",
        max_allowed_packet: "16M",
      });
      try {
        const place = await careless.createPlace();
        const warnings: StoreWarning[] = [];
        await (await open(place, {}, warnings)).close();
        expect(warnings.map(({ setting, value }) => `${setting}=${value}`)).toEqual([
          "innodb_flush_log_at_trx_commit=2",
          "sync_binlog=0",
          "max_allowed_packet=16777216",
        ]);
        await administerMysql(careless.url, "SET GLOBAL read_only = 1");
        await expect(open(place)).rejects.toMatchObject({
          code: "STATESTORE_UNAVAILABLE",
          message: expect.stringContaining("only lets itself be read"),
        });
      } finally {
        await careless.stop();
      }
    });
  });

  describe("during a commit", () => {
    test("does not know what became of it when the answer is lost; repeated, it is refused and the row tells", async () => {
      const url = await server.createPlace();
      const proxy = await TcpProxy.start(server.port);
      const store = await open(proxy.through(url));
      const lost = nextCommit(ann, await createActor(store, ann));
      proxy.swallowAll(true);
      await expect(store.commit([lost])).rejects.toMatchObject({ kind: "ambiguous" });
      proxy.swallowAll(false);
      expect(await store.commit([lost])).toEqual([undefined]);
      expect((await loadRow(store, ann)).etag).toBe(lost.etag);
      expect(proxy.swallowed).toBeGreaterThan(0);
      await store.close();
      await proxy.stop();
    });

    test("does not know what became of it when no answer comes in time", async () => {
      const url = await server.createPlace();
      const proxy = await TcpProxy.start(server.port);
      const store = await open(proxy.through(url), { statementTimeoutMs: 500 });
      const lost = nextCommit(ann, await createActor(store, ann));
      proxy.isSilent = true;
      await expect(store.commit([lost])).rejects.toMatchObject({ kind: "ambiguous" });
      proxy.isSilent = false;
      expect(await store.commit([lost])).toEqual([undefined]);
      await store.close();
      await proxy.stop();
    });

    test.each([
      ["for a lock", { lockTimeoutMs: 1_000, statementTimeoutMs: 60_000 }],
      ["for the server", { statementTimeoutMs: 500 }],
    ])("may be tried again when it takes too long %s", async (_, options) => {
      const url = await server.createPlace();
      const store = await open(url, options);
      const row = await createActor(store, ann);
      const other = await open(url);
      await administerMysql(url, "SELECT 1");
      const { createConnection } = await import("mysql2/promise");
      const address = new URL(url);
      const holder = await createConnection({
        host: address.hostname,
        port: Number(address.port),
        user: address.username,
        password: MARIADB_PASSWORD,
        database: address.pathname.slice(1),
      });
      await holder.query("START TRANSACTION");
      await holder.query("SELECT 1 FROM spawn_actor FOR UPDATE");
      await expect(store.commit([nextCommit(ann, row)])).rejects.toMatchObject({ kind: "retry" });
      holder.destroy();
      await apply(other, nextCommit(ann, row));
    });

    test("names the commit that can never be stored, and applies the others when they come without it", async () => {
      const store = await open(await server.createPlace());
      const commits = ["a", "b", "c", "d", "e"].map((name, index) =>
        firstCommit(actorNamed(name), index === 3 ? { replies: [reply("k".repeat(4_000))] } : {}),
      );
      await expect(store.commit(commits)).rejects.toMatchObject({ kind: "rows", rows: [3] });
      const others = commits.filter((_, index) => index !== 3);
      expect(await store.commit(others)).not.toContain(undefined);
    });

    test("refuses a state that no packet holds, and splits a group that is too much for one", async () => {
      const small = await startMariadb({ max_allowed_packet: "1M" });
      try {
        const store = await open(await small.createPlace());
        const state = `"${"x".repeat(300_000)}"`;
        const commits = ["a", "b", "c", "d"].map((name) =>
          firstCommit(actorNamed(name), { state }),
        );
        expect(await store.commit(commits)).not.toContain(undefined);
        const huge = firstCommit(ann, { state: `"${"x".repeat(600_000)}"` });
        await expect(store.commit([firstCommit(actorNamed("e")), huge])).rejects.toMatchObject({
          kind: "rows",
          rows: [1],
        });
        await store.close();
      } finally {
        await small.stop();
      }
    });

    test("is possible again when the server comes back", async () => {
      const own = await startMariadb();
      const store = await open(await own.createPlace(), { connectTimeoutMs: 500 });
      const row = await createActor(store, ann);
      await own.kill();
      await expect(store.commit([nextCommit(ann, row)])).rejects.toMatchObject({
        kind: expect.stringMatching(/ambiguous|retry/),
      });
      await expect(store.commit([nextCommit(ann, row)])).rejects.toMatchObject({ kind: "retry" });
      await own.restart();
      await apply(store, nextCommit(ann, row));
      await store.close();
      await own.stop();
    });

    test("fails for good when the tables are gone", async () => {
      const url = await server.createPlace();
      const store = await open(url);
      const row = await createActor(store, ann);
      await administerMysql(url, "DROP TABLE spawn_actor");
      await expect(store.commit([nextCommit(ann, row)])).rejects.toMatchObject({ kind: "fatal" });
    });
  });

  describe("with rows that somebody changed", () => {
    test.each([
      ["a name", "name = 'bob'", "KEY_COLLISION"],
      ["a state that is no text", "state = x'ff'", "STATE_CORRUPT"],
      ["tags that are no JSON", "tags = '{'", "STATE_CORRUPT"],
    ])("refuses %s, and loads the others", async (_, change, code) => {
      const url = await server.createPlace();
      const store = await open(url);
      await createActor(store, ann);
      const carl = await createActor(store, actorNamed("carl"));
      await administerMysql(url, `UPDATE spawn_actor SET ${change} WHERE name = 'ann'`);
      await expect(loadRow(store, ann)).rejects.toMatchObject({ code });
      expect(await loadRow(store, actorNamed("carl"))).toEqual(carl);
    });
  });
});
