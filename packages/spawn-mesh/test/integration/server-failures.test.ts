/**
 * Databases with a server when something is wrong with them: at the start, and in the middle of a commit.
 * What goes wrong in the same way with each of them; what is special to one stands in a file of its own.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Statestore } from "../../src/engine/statestore.ts";
import type { ActorSystem, ActorSystemOptions } from "../../src/sdk/index.ts";
import { encryptedStatestore } from "../../src/statestores/encrypted/index.ts";
import { memoryStatestore } from "../../src/statestores/memory/index.ts";
import { exportSystem, importSystem } from "../../src/statestores/transfer/index.ts";
import type { ConnectionLimits } from "../../src/statestores/sql/connection-limits.ts";
import {
  actorNamed,
  apply,
  createActor,
  firstCommit,
  loadRow,
  nextCommit,
  reply,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { TcpProxy } from "../servers/tcp-proxy.ts";
import type { OwnServer } from "../servers/test-database.ts";
import { counter, encryption, serverKinds, startSystem } from "./server-kinds.ts";

const ann = actorNamed("ann");

for (const kind of serverKinds) {
  const { database } = kind;
  describe.skipIf(database.missing !== undefined)(`a ${database.name} statestore`, () => {
    let server: OwnServer;
    const opened: Statestore[] = [];

    beforeAll(async () => {
      server = await kind.start();
    });
    afterAll(async () => {
      await Promise.all(opened.map((store) => store.close()));
      await server.stop();
    });

    async function open(url: string, options: ConnectionLimits = {}): Promise<Statestore> {
      const store = kind.connect({ url, connectionsMax: 3, ...options });
      await store.open({ owner: "session-1" });
      opened.push(store);
      return store;
    }

    const start = (url: string, options: Partial<ActorSystemOptions> = {}): Promise<ActorSystem> =>
      startSystem(kind, url, options);

    describe("at the start", () => {
      const { reasons, tls } = kind;
      const mistakes: readonly (readonly [
        what: string,
        change: (url: URL) => void,
        reason: RegExp,
      ])[] = [
        ["a wrong password", (url) => void (url.password = "wrong"), reasons.password],
        ["no password", (url) => void (url.password = ""), reasons.noPassword],
        ["a user that is not there", (url) => void (url.username = "nobody"), reasons.user],
        ["a database that is not there", (url) => void (url.pathname = "/none"), reasons.database],
        ["a port where nobody listens", (url) => void (url.port = "1"), /ECONNREFUSED/],
        [
          "a host that is not there",
          (url) => void (url.hostname = "host.invalid"),
          /host\.invalid/,
        ],
        ["TLS that the server does not have", (url) => url.searchParams.set(...tls), reasons.tls],
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
          expect(failure.message).not.toContain(kind.password);
          expect(failure.message).not.toContain(encodeURIComponent(kind.password));
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
        const setVersion = (name: string, version: number): Promise<unknown> =>
          kind.administer(
            url,
            `UPDATE spawn_meta SET value = '${version}' WHERE name = 'schema_${name}'`,
          );
        await (await open(url)).close();
        await setVersion("version", 99);
        await (await open(url)).close();
        await setVersion("oldest", 98);
        await expect(open(url)).rejects.toThrow(/version 99, which needs .* version 98/);
      });

      test("refuses a user who may only read, unless what is read is an export", async () => {
        const url = new URL(await server.createPlace());
        const system = await start(url.href);
        await system.actor(counter, "a").add(1);
        await system.stop();
        await kind.addReader(server, url.href, "reader");
        url.username = "reader";
        url.password = "r";
        const starting = start(url.href);
        await expect(starting).rejects.toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
        await expect(starting).rejects.toThrow(/denied .*spawn_actor/);
        const store = encryptedStatestore(kind.connect({ url: url.href }), encryption);
        const into = encryptedStatestore(memoryStatestore(), encryption);
        const imported = await importSystem(into, exportSystem(store, "shop"), { system: "shop" });
        expect(imported.rows.state).toBe(1);
      });

      test("is opened once at a time: who closes it would close it for both", async () => {
        const store = await open(await server.createPlace());
        const again = [store.open({ owner: "session-2" }), store.open({ owner: "session-3" })];
        for (const opening of again) {
          await expect(opening).rejects.toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
          await expect(opening).rejects.toThrow(
            /is open already: expected a statestore of its own/,
          );
        }
        await createActor(store, ann);
        await store.close();
        await store.open({ owner: "session-2" });
        expect((await loadRow(store, ann)).revision).toBe(1);
      });

      test.each(["connectTimeoutMs", "statementTimeoutMs", "lockTimeoutMs"])(
        "waits as long as %s says, also when that is as long as it may be",
        async (option) => {
          const longestMs = 2 ** 31 - 1 - (option === "statementTimeoutMs" ? 2_000 : 0);
          const store = await open(await server.createPlace(), { [option]: longestMs });
          await createActor(store, ann);
          expect((await loadRow(store, ann)).revision).toBe(1);
        },
      );

      test("does not wait for a connection for ever while all are in use", async () => {
        const url = await server.createPlace();
        const store = await open(url, { connectionsMax: 1, connectTimeoutMs: 300 });
        await createActor(store, ann);
        const rows = store.systems.read("shop")[Symbol.asyncIterator]();
        await rows.next();
        const kept = await Promise.allSettled([loadRow(store, ann), loadRow(store, ann)]);
        const isLater = { status: "rejected", reason: { name: "StoreFailure", kind: "retry" } };
        expect(kept).toMatchObject([isLater, isLater]);
        await rows.return?.();
        expect((await loadRow(store, ann)).revision).toBe(1);
      });

      test("serves a system for one cluster, whoever comes first, and other systems for others", async () => {
        const url = await server.createPlace();
        const openAs = async (cluster?: string, system = "shop"): Promise<void> => {
          const store = kind.connect({ url, connectionsMax: 1 });
          await store.open({ owner: "session-1", system, cluster });
          await store.close();
        };
        await openAs();
        const names = ["blue", "green", "red"];
        const racing = await Promise.allSettled(names.map((cluster) => openAs(cluster)));
        const served = names.filter((_, index) => racing[index]!.status === "fulfilled");
        expect(served).toHaveLength(1);
        const [cluster] = served;
        await openAs(cluster);
        await openAs("another", "other");
        await expect(openAs()).rejects.toThrow(/belongs to no cluster/);
        await (await start(url, { cluster: cluster! })).stop();
        await expect(start(url, { cluster: "another" })).rejects.toMatchObject({
          code: "STATESTORE_UNAVAILABLE",
          message: expect.stringContaining(`the system shop of the cluster "${cluster}"`),
        });
      });

      test("lets nobody replace the system of a cluster who does not name it", async () => {
        const url = await server.createPlace();
        await (await start(url, { cluster: "production" })).stop();
        const bringIn = (options: { readonly cluster?: string }): Promise<unknown> => {
          const store = encryptedStatestore(kind.connect({ url, connectionsMax: 2 }), encryption);
          const stream = exportSystem(memoryStatestore(), "shop", { allowEmpty: true });
          return importSystem(store, stream, { system: "shop", replace: true, ...options });
        };
        await expect(bringIn({})).rejects.toMatchObject({
          code: "STATESTORE_UNAVAILABLE",
          message: expect.stringContaining("belongs to no cluster"),
        });
        await expect(bringIn({ cluster: "staging" })).rejects.toThrow(/"production"/);
        await expect(bringIn({ cluster: "production" })).resolves.toMatchObject({
          wasThere: false,
        });
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
        const release = await kind.lockActors(url);
        await expect(store.commit([nextCommit(ann, row)])).rejects.toMatchObject({ kind: "retry" });
        await release();
        await apply(await open(url), nextCommit(ann, row));
      });

      test("names the commit that can never be stored, and applies the others when they come without it", async () => {
        const store = await open(await server.createPlace());
        const commits = ["a", "b", "c", "d", "e"].map((name, index) =>
          firstCommit(actorNamed(name), index === 3 ? { replies: [reply(kind.longKey)] } : {}),
        );
        await expect(store.commit(commits)).rejects.toMatchObject({ kind: "rows", rows: [3] });
        const others = commits.filter((_, index) => index !== 3);
        expect(await store.commit(others)).not.toContain(undefined);
      });

      test("is possible again when the server comes back", async () => {
        const own = await kind.start();
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
        await kind.administer(url, "DROP TABLE spawn_actor");
        await expect(store.commit([nextCommit(ann, row)])).rejects.toMatchObject({ kind: "fatal" });
      });
    });
  });
}
