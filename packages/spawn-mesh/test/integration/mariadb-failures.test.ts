/** What can be wrong with MariaDB alone; server-failures.test.ts has what every database has. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Statestore, StoreWarning } from "../../src/engine/statestore.ts";
import { type MysqlStatestoreOptions, mysqlStatestore } from "../../src/statestores/mysql/index.ts";
import { actorNamed, firstCommit } from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { message, ref } from "../../src/testing/statestore-cases/message-fixtures.ts";
import { administerMysql, mariadb, startMariadb } from "../servers/mariadb.ts";
import { freePort } from "../servers/server-process.ts";
import type { OwnServer } from "../servers/test-database.ts";

const ann = actorNamed("ann");

describe.skipIf(mariadb.missing !== undefined)("a MariaDB statestore", () => {
  let server: OwnServer;
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
    test("warns of settings that may lose what was acknowledged, and refuses to only read", async () => {
      const url = await server.createPlace();
      const calm: StoreWarning[] = [];
      await (await open(url, {}, calm)).close();
      expect(calm).toEqual([]);
      const careless = await startMariadb({
        innodb_flush_log_at_trx_commit: "2",
        innodb_doublewrite: "0",
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
          "innodb_doublewrite=OFF",
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

    test("warns of a cluster that may be written to at several nodes", async ({ skip }) => {
      const provider = "/usr/lib/galera/libgalera_smm.so";
      skip(!existsSync(provider), "needs galera-4");
      const listen = `gmcast.listen_addr=tcp://127.0.0.1:${await freePort()}`;
      const node = await startMariadb({
        wsrep_on: "ON",
        wsrep_provider: provider,
        wsrep_provider_options: `${listen};ist.recv_addr=127.0.0.1:${await freePort()}`,
        wsrep_cluster_address: "gcomm://",
        wsrep_node_address: "127.0.0.1",
        binlog_format: "ROW",
        innodb_autoinc_lock_mode: "2",
      });
      try {
        const warnings: StoreWarning[] = [];
        await (await open(await node.createPlace(), {}, warnings)).close();
        expect(warnings.map(({ setting, value }) => `${setting}=${value}`)).toEqual([
          "wsrep_on=ON",
        ]);
      } finally {
        await node.stop();
      }
    });
  });

  describe("during a commit", () => {
    test("is certainly not applied when there are too many connections", async () => {
      const url = new URL(await server.createPlace());
      const place = url.pathname.slice(1);
      await (await open(url.href)).close();
      await administerMysql(
        server.url,
        `CREATE USER many IDENTIFIED BY 'm' WITH MAX_USER_CONNECTIONS 1; GRANT ALL ON ${place}.* TO many`,
      );
      url.username = "many";
      url.password = "m";
      const narrow = await open(url.href, { connectionsMax: 2 });
      const commits = [firstCommit(ann), firstCommit(actorNamed("bob"))];
      const answers = await Promise.allSettled(commits.map((commit) => narrow.commit([commit])));
      expect(
        answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : [])),
      ).toEqual([expect.objectContaining({ kind: "capacity" })]);
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
  });

  test("gives a broadcast to subscribers whose messages no packet holds together", async () => {
    const small = await startMariadb({ max_allowed_packet: "1M" });
    try {
      const store = await open(await small.createPlace());
      await store.messages.send([message("broadcast")]);
      const payload = `"${"x".repeat(200_000)}"`;
      const copies = ["a", "b", "c", "d"].map((id) => message(id, { payload }));
      expect(await store.messages.replace(ref("broadcast"), copies)).toBe(true);
      expect(await store.messages.list({ limit: 10 })).toMatchObject(copies);
      await store.close();
    } finally {
      await small.stop();
    }
  });
});
