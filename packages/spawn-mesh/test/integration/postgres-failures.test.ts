/** PostgreSQL when something is wrong with it: at the start, in the middle of a commit, in its rows. */
import { randomBytes } from "node:crypto";
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
  firstCommit,
  loadRow,
  nextCommit,
  reply,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import {
  administer,
  postgres,
  POSTGRES_PASSWORD,
  type PostgresServer,
  startPostgres,
} from "../servers/postgres.ts";
import { TcpProxy } from "../servers/tcp-proxy.ts";

const ann = actorNamed("ann");
const SETTINGS = { max_connections: "40", superuser_reserved_connections: "3" };

describe.skipIf(postgres.missing !== undefined)("a PostgreSQL statestore", () => {
  let server: PostgresServer;
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

  /** The place's address with a part of it changed. */
  function changed(change: (url: URL) => void): string {
    const url = new URL(server.url);
    change(url);
    return url.href;
  }

  describe("at the start", () => {
    const mistakes: readonly (readonly [
      what: string,
      change: (url: URL) => void,
      reason: RegExp,
    ])[] = [
      [
        "a wrong password",
        (url) => void (url.password = "wrong"),
        /password authentication failed/,
      ],
      ["a user that is not there", (url) => void (url.username = "nobody"), /nobody/],
      [
        "a database that is not there",
        (url) => void (url.pathname = "/none"),
        /"none" does not exist/,
      ],
      ["a port where nobody listens", (url) => void (url.port = "1"), /ECONNREFUSED/],
      ["a host that is not there", (url) => void (url.hostname = "host.invalid"), /host\.invalid/],
      [
        "TLS that the server does not have",
        (url) => url.searchParams.set("sslmode", "require"),
        /SSL/,
      ],
    ];

    test.each(mistakes)(
      "says that there is %s, and shows no password",
      async (_, change, reason) => {
        const failure = open(changed(change)).then(
          () => new Error("it opened"),
          (error: Error) => error,
        );
        const { message } = await failure;
        expect(await failure).toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
        expect(message).toMatch(reason);
        expect(message).not.toContain(POSTGRES_PASSWORD);
        expect(message).not.toContain(encodeURIComponent(POSTGRES_PASSWORD));
      },
    );

    test.each([
      ["by a lock of the database", postgresStatestore],
      ["by a row, as on CockroachDB", cockroachStatestore],
    ])("lets ten sessions make the tables at the same time, %s", async (_, connect) => {
      const url = await server.createPlace();
      const stores = Array.from({ length: 10 }, () => connect({ url, connectionsMax: 1 }));
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

    test("refuses tables that need a newer version, and uses newer ones that do not", async () => {
      const url = await server.createPlace();
      await (await open(url)).close();
      await administer(url, "UPDATE spawn_meta SET value = '99' WHERE name = 'schema_version'");
      await (await open(url)).close();
      await administer(url, "UPDATE spawn_meta SET value = '98' WHERE name = 'schema_oldest'");
      await expect(open(url)).rejects.toThrow(/version 99, which needs .* version 98/);
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
    test("does not know what became of it when the answer is lost; repeated, it is refused and the row tells", async () => {
      const url = await server.createPlace();
      const proxy = await TcpProxy.start(server.port);
      const store = await open(proxy.through(url));
      const row = await createActor(store, ann);
      const lost = nextCommit(ann, row);
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
      const store = await open(proxy.through(url), { statementTimeoutMs: 100 });
      const lost = nextCommit(ann, await createActor(store, ann));
      proxy.isSilent = true;
      await expect(store.commit([lost])).rejects.toMatchObject({ kind: "ambiguous" });
      proxy.isSilent = false;
      expect(await store.commit([lost])).toEqual([undefined]);
      await store.close();
      await proxy.stop();
    });

    test("may be tried again when it waits too long for a lock", async () => {
      const url = await server.createPlace();
      const store = await open(url, { statementTimeoutMs: 60_000, lockTimeoutMs: 200 });
      const row = await createActor(store, ann);
      await locked(url, row.etag, async () => {
        await expect(store.commit([nextCommit(ann, row)])).rejects.toMatchObject({ kind: "retry" });
      });
      await apply(store, nextCommit(ann, row));
    });

    test("may be tried again when it takes too long for the server", async () => {
      const url = await server.createPlace();
      const store = await open(url, { statementTimeoutMs: 200 });
      const row = await createActor(store, ann);
      await locked(url, row.etag, async () => {
        await expect(store.commit([nextCommit(ann, row)])).rejects.toMatchObject({ kind: "retry" });
      });
      await apply(store, nextCommit(ann, row));
    });

    test("names the commit that can never be stored, and applies the others when they come without it", async () => {
      const store = await open(await server.createPlace());
      const random = Array.from({ length: 4_000 }, (_, index) =>
        String.fromCodePoint(0x4e00 + ((index * 48_271) % 20_000)),
      ).join("");
      const names = ["a", "b", "c", "d", "e"].map((name) => actorNamed(name));
      const commits = names.map((actor, index) =>
        firstCommit(actor, index === 3 ? { replies: [reply(random)] } : {}),
      );
      await expect(store.commit(commits)).rejects.toMatchObject({ kind: "rows", rows: [3] });
      const others = commits.filter((_, index) => index !== 3);
      expect(await store.commit(others)).not.toContain(undefined);
    });

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

    test("is possible again when the server comes back", async () => {
      const own = await startPostgres();
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

    test("fails for good when the tables are gone", async () => {
      const url = await server.createPlace();
      const store = await open(url);
      const row = await createActor(store, ann);
      await administer(url, "DROP TABLE spawn_actor");
      await expect(store.commit([nextCommit(ann, row)])).rejects.toMatchObject({ kind: "fatal" });
    });
  });

  describe("with rows that somebody changed", () => {
    test.each([
      ["a name", "name = 'bob'", "KEY_COLLISION"],
      ["a state that is no text", "state = '\\xff'", "STATE_CORRUPT"],
      ["tags that are no JSON", "tags = '{'", "STATE_CORRUPT"],
    ])("refuses %s, and loads the others", async (_, change, code) => {
      const url = await server.createPlace();
      const store = await open(url);
      await createActor(store, ann);
      const carl = await createActor(store, actorNamed("carl"));
      await administer(url, `UPDATE spawn_actor SET ${change} WHERE name = 'ann'`);
      await expect(loadRow(store, ann)).rejects.toMatchObject({ code });
      expect(await loadRow(store, actorNamed("carl"))).toEqual(carl);
    });
  });
});

/** Runs while somebody else holds the row of that etag. */
async function locked(url: string, etag: string, run: () => Promise<void>): Promise<void> {
  const { Client } = (await import("pg")).default;
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query("BEGIN");
  await client.query("SELECT 1 FROM spawn_actor WHERE etag = $1 FOR UPDATE", [
    Buffer.from(etag, "latin1"),
  ]);
  try {
    await run();
  } finally {
    await client.end();
  }
}

async function eventually<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === 10) throw error;
    }
  }
}
