/** The same program on every statestore, with nothing changed but the address. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { actor, actorSystem, type ActorSystem, type EngineEvent } from "../../src/sdk/index.ts";
import type { EncryptionOptions } from "../../src/statestores/encrypted/index.ts";
import { statestoreFromUrl } from "../../src/statestores/from-url.ts";
import { mariadb, mysqlDatabase } from "../servers/mariadb.ts";
import { mssqlDatabase } from "../servers/mssql.ts";
import { postgres } from "../servers/postgres.ts";
import { sqliteFiles } from "../servers/sqlite-files.ts";
import type { TestDatabaseServer } from "../servers/test-database.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-mesh-every-statestore-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const oldKey = randomBytes(32);
const newKey = randomBytes(32);

const account = actor("account", {
  kind: "unnamed",
  state: () => ({ balance: 0, ticks: 0 }),
  snapshotTimeoutMs: 1,
  index: ({ balance }) => ({ balance, isRich: balance >= 100 }),
  actions: {
    deposit(ctx, amount: number) {
      ctx.state.balance += amount;
      return ctx.state.balance;
    },
    /** The other account gets it by a message. */
    transfer(ctx, { to, amount }: { to: string; amount: number }) {
      if (amount > ctx.state.balance) throw new Error("not enough");
      ctx.state.balance -= amount;
      ctx.send(to, { definition: "account", action: "deposit", payload: amount });
      return ctx.state.balance;
    },
  },
});

const clock = actor("clock", {
  state: () => ({ ticks: 0 }),
  actions: {
    tick(ctx) {
      ctx.state.ticks++;
    },
    ticks: (ctx) => ctx.state.ticks,
  },
  timers: [{ action: "tick", everyMs: 50 }],
});

const files = sqliteFiles(directory);

for (const database of [files, postgres, mariadb, mysqlDatabase, mssqlDatabase]) {
  if (database.missing !== undefined) {
    test.skip(`a program on ${database.name}, which needs ${database.missing}`, () => undefined);
    continue;
  }
  describe(`a program on ${database.name}`, () => {
    let server: TestDatabaseServer;
    beforeAll(async () => {
      server = await database.start();
    }, 60_000);
    afterAll(() => server.stop());

    async function start(
      url: string,
      events: EngineEvent[] = [],
      encryption: EncryptionOptions = { keys: { old: oldKey }, required: true },
    ): Promise<ActorSystem> {
      const system = actorSystem("bank", {
        actors: [account, clock],
        statestore: statestoreFromUrl(url),
        encryption,
        handleSignals: false,
        onEvent: (event) => events.push(event),
      });
      await system.start();
      return system;
    }

    test(
      "keeps what it has acknowledged from one start to the next",
      { timeout: 30_000 },
      async () => {
        const url = await server.createPlace();
        const events: EngineEvent[] = [];
        let system = await start(url, events);
        const ann = system.actor(account, "ann");
        expect(await ann.deposit(100)).toBe(100);
        const once = { idempotencyKey: "once" };
        expect(await ann.deposit(1, once)).toBe(101);
        expect(await ann.deposit(1, once)).toBe(101);
        await expect(ann.transfer({ to: "bob", amount: 1_000 })).rejects.toThrow("not enough");
        expect(await ann.transfer({ to: "bob", amount: 40 })).toBe(61);
        await until(async () => (await system.actor(account, "bob").get()).balance === 40);
        const deposits = Array.from({ length: 200 }, (_, index) =>
          system.actor(account, `a${index % 20}`).deposit(1),
        );
        expect((await Promise.all(deposits)).toSorted((a, b) => a - b).at(-1)).toBe(10);
        await until(async () => (await system.actor(clock).ticks()) >= 3);
        await system.stop();

        system = await start(url, events);
        expect(await system.actor(account, "ann").get()).toMatchObject({ balance: 61 });
        expect(await system.actor(account, "ann").deposit(1, once)).toBe(101);
        expect(await system.actor(account, "bob").deposit(2)).toBe(42);
        const stored = system.stored(account, "ann");
        const [newest] = await stored.listRevisions();
        expect(newest?.revision).toBeGreaterThan(0);
        await stored.restore(newest!.revision);
        expect((await system.actor(account, "ann").get()).balance).toBe(
          (await stored.readRevision(newest!.revision)).balance,
        );
        const { revision, at } = newest!;
        const then = await stored.readAt(at);
        expect(then).toEqual({ revision, at, state: await stored.readRevision(revision) });
        await stored.fork("copy of ann", { revision });
        expect(await system.actor(account, "copy of ann").get()).toEqual(then.state);
        await expect(stored.fork("bob")).rejects.toThrow("exists");
        await system.stored(account, "bob").delete();
        expect((await system.actor(account, "bob").get()).balance).toBe(0);
        expect(await system.messages.listParked()).toEqual([]);
        await system.stop();
        const unexpected = events.filter(
          ({ type }) => !["activated", "deactivated", "committed"].includes(type),
        );
        expect(unexpected).toEqual([]);
      },
    );

    test("finds actors, acts on many and deletes many", { timeout: 30_000 }, async () => {
      const url = await server.createPlace();
      let system = await start(url);
      const deposits = Array.from({ length: 120 }, (_, at) =>
        system.actor(account, `a${at}`).deposit(at + 1),
      );
      await Promise.all(deposits);
      await system.stop();

      system = await start(url);
      const found = await system.find(account, { balance: { from: 41, below: 44 } });
      expect(found.actors.map(({ name }) => name)).toEqual(["a40", "a41", "a42"]);
      const where = { isRich: true };
      const doubled = await system.actors.forEach(account, (ref) => ref.deposit(1_000), { where });
      expect(doubled).toMatchObject({ found: 21, ok: 21, failed: 0 });
      expect(await system.reindex(account)).toMatchObject({ seen: 120, rewritten: 120, failed: 0 });
      const rich = { where: { balance: { from: 1_000 } } };
      expect(await system.actors.purge(account, { ...rich, dryRun: true })).toMatchObject({
        found: 21,
        ok: 0,
      });
      expect(await system.actors.purge(account, rich)).toMatchObject({ found: 21, ok: 21 });
      expect((await system.find(account, { isRich: true })).actors).toEqual([]);
      const page = await system.actors.list({ definition: "account", limit: 1_000 });
      expect([page.actors.length, page.after]).toEqual([99, undefined]);
      const gone = await system.actors.list({ status: "deleted" });
      expect(gone.actors).toHaveLength(21);
      await system.stop();
    });

    test("changes its key while it works", { timeout: 30_000 }, async () => {
      const url = await server.createPlace();
      const both = { old: oldKey, new: newKey };
      let system = await start(url);
      for (let index = 0; index < 20; index++)
        await system.actor(account, `a${index}`).deposit(index, { idempotencyKey: "once" });
      await system.stop();

      system = await start(url, [], { active: "new", keys: both, required: true });
      expect(await system.reencrypt()).toMatchObject({ isComplete: true, unreadable: 0 });
      await system.stop();

      system = await start(url, [], { keys: { new: newKey }, required: true });
      const repeated = system.actor(account, "a19").deposit(19, { idempotencyKey: "once" });
      expect(await repeated).toBe(19);
      await system.stop();
      await expect(start(url)).rejects.toMatchObject({
        code: "STATESTORE_UNAVAILABLE",
        message: expect.stringContaining('"new"'),
      });
    });

    test("is refused without keys, unless the statestore is a file", async () => {
      if (database === files) return; // It does not leave the machine.
      const url = await server.createPlace();
      const begin = async (): Promise<void> => {
        const statestore = statestoreFromUrl(url);
        await actorSystem("bank", { actors: [account], statestore, handleSignals: false }).start();
      };
      await expect(begin()).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("keyFile"),
      });
    });

    test("goes on at once after it was killed", { timeout: 30_000 }, async () => {
      if (database === files) return; // The file stays taken until the process ends.
      const url = await server.createPlace();
      let system = await start(url);
      for (let life = 1; life <= 5; life++) {
        expect(await system.actor(account, "shared").deposit(1)).toBe(life);
        system.crash();
        system = await start(url);
      }
      expect(await system.actor(account, "shared").deposit(0)).toBe(5);
      await system.stop();
    });
  });
}

describe("the address of a statestore", () => {
  test.each(["memory:", "sqlite:x.db", "postgres://u:p@h/d", "mysql://u@h/d", "mariadb://u@h/d"])(
    "%s is known",
    (url) => {
      expect(statestoreFromUrl(url)).toHaveProperty("commit");
    },
  );

  test.each(["Postgres", "postgres", "POSTGRES", "postgresql"])("%s is a type of it", (type) => {
    expect(statestoreFromUrl("postgres://u:p@h/d", { type })).toHaveProperty("commit");
  });

  test("of a SQLite file may have any name, as addresses write it", async () => {
    const file = join(directory, "a b#?%.db");
    const url = `sqlite:${file.replaceAll(/[ #?%]/g, encodeURIComponent)}`;
    const store = statestoreFromUrl(url);
    await store.open({ owner: "me" });
    await store.close();
    expect(existsSync(file)).toBe(true);
  });

  test.each([
    ["postgres", 5432],
    ["cockroachdb", 26_257],
    ["mariadb", 3306],
  ])("of %s without a port has the one where such servers listen", async (scheme, port) => {
    const store = statestoreFromUrl(`${scheme}://u:secret@host.invalid/d`);
    await expect(store.open({ owner: "me" })).rejects.toThrow(`u@host.invalid:${port}/d`);
  });

  const PEM = "-----BEGIN CERTIFICATE-----";
  test.each<[string, object, string]>([
    ["oracle://u:secret@h/d", {}, "begins with"],
    ["shop.db", {}, "a file is sqlite:state.db"],
    ["postgres://u:secret@h/d", { type: "Oracle" }, "type: expected"],
    ["postgres://u:secret@h/d", { type: "MySql" }, "since the type is MySql"],
    ["postgres://u:secret@h", {}, "name of a database"],
    ["postgres://h/d", {}, "without a user"],
    ["postgres://u:secret@h/d?sslmod=require", {}, "sslmod"],
    ["postgres://u:secret@h/d?sslmode=prefer", {}, "sslmode"],
    ["mysql://u:secret@h/d?ssl-mode=maybe", {}, "ssl-mode"],
    ["postgres://u:secret%@h/d", {}, "%25"],
    ["postgres://u:secret@h/d", { connectionsMax: 0 }, "connectionsMax"],
    ["postgress://u:secret@h/d", {}, "did you mean postgres?"],
    ["postgres://u:secret@h/d", { type: "Postgrs" }, "did you mean postgres?"],
    ["postgres://u:secret@h/d", { type: 5 }, "type: expected"],
    ["postgres://u:a/secret@h/d", {}, "encodeURIComponent"],
    ["mariadb://u:12#secret@h/d", {}, "encodeURIComponent"],
    ["postgres://u:secret@h/d", { tls: { ca: "/etc/secret.pem" } }, "tls.ca: expected a PEM text"],
    ["mysql://u@h/d", { tls: { cert: PEM, key: 5 } }, "tls.key: expected a PEM text"],
    ["mssql://u@h/d", { tls: { cert: PEM } }, "both cert and key"],
    ["mysql://u@h/d", { tls: { serverName: 5 } }, "tls.serverName"],
    ["postgres://u@h/d?sslmode=disable", { tls: { ca: PEM } }, "only one of the two"],
    ["sqlite:", {}, "without a file"],
    ["sqlite:state.db?mode=ro", {}, "one with parameters"],
    ["sqlite:100%.db", {}, "%25"],
    ["sqlite::memory:", {}, "memoryStatestore"],
  ])("%s with %j is refused, and no password is shown", (url, options, reason) => {
    const refused = (): unknown => statestoreFromUrl(url, options);
    expect(refused).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    expect(refused).toThrow(reason);
    expect(refused).not.toThrow("secret");
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}
