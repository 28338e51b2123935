/** What can be wrong with PostgreSQL alone; server-failures.test.ts has what every database has. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Statestore, StoreWarning } from "../../src/engine/statestore.ts";
import { actorSystem, type EngineEvent } from "../../src/sdk/index.ts";
import { cockroachStatestore } from "../../src/statestores/cockroach/index.ts";
import {
  type PostgresStatestoreOptions,
  postgresStatestore,
} from "../../src/statestores/postgres/index.ts";
import {
  actorNamed,
  apply,
  createActor,
  loadRow,
  nextCommit,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { administer, followPostgres, postgres, startPostgres } from "../servers/postgres.ts";
import type { OwnServer } from "../servers/test-database.ts";

const ann = actorNamed("ann");
const SETTINGS = { max_connections: "40", superuser_reserved_connections: "3" };

describe.skipIf(postgres.missing !== undefined)("a PostgreSQL statestore", () => {
  let server: OwnServer;
  const opened: Statestore[] = [];

  beforeAll(async () => {
    server = await startPostgres(SETTINGS);
  });
  afterAll(async () => {
    await Promise.all(opened.map((store) => store.close()));
    await server.stop();
  });

  async function open(
    url: string,
    options: Partial<PostgresStatestoreOptions> = {},
    warnings: StoreWarning[] = [],
  ): Promise<Statestore> {
    const store = postgresStatestore({ url, connectionsMax: 3, ...options });
    await store.open({ owner: "session-1", onWarning: (warning) => warnings.push(warning) });
    opened.push(store);
    return store;
  }

  describe("at the start", () => {
    test("lets ten sessions make the tables at the same time by a row, as on CockroachDB", async () => {
      const url = await server.createPlace();
      const stores = Array.from({ length: 10 }, () =>
        cockroachStatestore({ url, connectionsMax: 1 }),
      );
      await Promise.all(stores.map((store, index) => store.open({ owner: `session-${index}` })));
      await createActor(stores[0]!, ann);
      for (const store of stores) expect((await loadRow(store, ann)).revision).toBe(1);
      await Promise.all(stores.map((store) => store.close()));
    });

    test("waits for another process that makes the tables, however short its own time-outs are", async () => {
      const url = await server.createPlace();
      const { Client } = (await import("pg")).default;
      const other = new Client({ connectionString: url });
      await other.connect();
      await other.query("BEGIN");
      await other.query(`SELECT pg_advisory_xact_lock(${0x7370_6177})`);
      const opening = open(url, { statementTimeoutMs: 200, lockTimeoutMs: 100 });
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      await other.end();
      await createActor(await opening, ann);
    });

    test("warns of settings that may lose what was acknowledged", async () => {
      const careless = await startPostgres({
        fsync: "off",
        synchronous_commit: "off",
        full_page_writes: "off",
      });
      try {
        const warnings: StoreWarning[] = [];
        await (await open(await careless.createPlace(), {}, warnings)).close();
        expect(warnings.map(({ setting, value }) => `${setting}=${value}`).toSorted()).toEqual([
          "fsync=off",
          "full_page_writes=off",
          "synchronous_commit=off",
        ]);
        const calm: StoreWarning[] = [];
        await (await open(await server.createPlace(), {}, calm)).close();
        expect(calm).toEqual([]);
        const events: EngineEvent[] = [];
        const system = actorSystem("warned", {
          actors: [],
          statestore: postgresStatestore({ url: await careless.createPlace() }),
          encryption: { keys: { key: randomBytes(32) } },
          onEvent: (event) => events.push(event),
        });
        await system.start();
        await system.stop();
        expect(events).toContainEqual({
          type: "store-warning",
          setting: "fsync",
          value: "off",
          risk: "a power failure may destroy the database",
        });
      } finally {
        await careless.stop();
      }
    });

    test.each<[string, Record<string, string>, Partial<StoreWarning>]>([
      ["may not have a change", {}, { setting: "synchronous_standby_names", value: "" }],
      [
        "are not waited for",
        { synchronous_standby_names: "*", synchronous_commit: "local" },
        { setting: "synchronous_commit", value: "local" },
      ],
      [
        "are waited for until they have written, which is not their disk",
        { synchronous_standby_names: "*", synchronous_commit: "remote_write" },
        { setting: "synchronous_commit", value: "remote_write" },
      ],
    ])("warns of standbys that %s", async (_, settings, warning) => {
      const followed = await startPostgres(settings);
      const stopFollowing = await followPostgres(followed.url);
      try {
        const warnings: StoreWarning[] = [];
        await (await open(await followed.createPlace(), {}, warnings)).close();
        expect(warnings).toEqual([expect.objectContaining(warning)]);
      } finally {
        await stopFollowing();
        await followed.stop();
      }
    });

    test("is calm when commits wait until the standbys have them", async () => {
      const followed = await startPostgres({ synchronous_standby_names: "*" });
      const stopFollowing = await followPostgres(followed.url);
      try {
        const warnings: StoreWarning[] = [];
        await (await open(await followed.createPlace(), {}, warnings)).close();
        expect(warnings).toEqual([]);
      } finally {
        await stopFollowing();
        await followed.stop();
      }
    });

    test("refuses a standby", async () => {
      const standby = await startPostgres();
      try {
        const url = await standby.createPlace();
        const [shown] = await administer(standby.url, "SHOW data_directory");
        await standby.kill();
        const { data_directory: data } = shown as { readonly data_directory: string };
        writeFileSync(join(data, "standby.signal"), "");
        await standby.restart();
        await expect(open(url)).rejects.toMatchObject({
          code: "STATESTORE_UNAVAILABLE",
          message: expect.stringContaining("is a standby"),
        });
      } finally {
        await standby.stop();
      }
    });

    test("refuses a database that only lets it read", async () => {
      const url = new URL(await server.createPlace());
      url.searchParams.set("options", "-c default_transaction_read_only=on");
      await expect(open(url.href)).rejects.toMatchObject({
        code: "STATESTORE_UNAVAILABLE",
        message: expect.stringContaining("only lets this user read"),
      });
    });

    test("says that the user may make no tables", async () => {
      const url = new URL(await server.createPlace());
      await administer(server.url, "CREATE ROLE visitor LOGIN PASSWORD 'v'");
      url.username = "visitor";
      url.password = "v";
      await expect(open(url.href)).rejects.toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
    });
  });

  describe("during a commit", () => {
    test("goes on by itself after its connections were ended", async () => {
      const url = await server.createPlace();
      const store = await open(url);
      const row = await createActor(store, ann);
      await administer(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'spawn-mesh'",
      );
      expect(await eventually(() => loadRow(store, ann))).toEqual(row);
    });

    test("is certainly not applied when there are too many connections", async () => {
      const url = await server.createPlace();
      const store = await open(url);
      const row = await createActor(store, ann);
      await administer(
        url,
        "CREATE ROLE many LOGIN PASSWORD 'm'; GRANT ALL ON ALL TABLES IN SCHEMA public TO many",
      );
      const place = new URL(url).searchParams.get("options")!.split("=")[1]!;
      await administer(
        url,
        `GRANT ALL ON SCHEMA ${place} TO many; GRANT ALL ON ALL TABLES IN SCHEMA ${place} TO many; ALTER ROLE many CONNECTION LIMIT 1`,
      );
      const limited = new URL(url);
      limited.username = "many";
      limited.password = "m";
      const narrow = await open(limited.href, { connectionsMax: 2 });
      const commits = [nextCommit(ann, row), nextCommit(actorNamed("bob"), row)];
      const answers = await Promise.allSettled(commits.map((commit) => narrow.commit([commit])));
      expect(
        answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : [])),
      ).toEqual([expect.objectContaining({ kind: "capacity" })]);
    });

    test("goes on with another connection when its own only lets it read, as after a failover", async () => {
      const own = await startPostgres();
      const store = await open(await own.createPlace(), { connectionsMax: 1 });
      const row = await createActor(store, ann);
      const end =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'spawn-mesh'";
      await administer(
        own.url,
        `ALTER DATABASE postgres SET default_transaction_read_only = on; ${end}`,
      );
      expect(await eventually(() => loadRow(store, ann))).toEqual(row);
      await expect(store.commit([nextCommit(ann, row)])).rejects.toMatchObject({ kind: "retry" });
      const writer = new URL(own.url);
      writer.searchParams.set("options", "-c default_transaction_read_only=off");
      await administer(
        writer.href,
        "ALTER DATABASE postgres SET default_transaction_read_only = off",
      );
      await apply(store, nextCommit(ann, row));
      await store.close();
      await own.stop();
    });
  });
});

async function eventually<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === 10) throw error;
    }
  }
}
