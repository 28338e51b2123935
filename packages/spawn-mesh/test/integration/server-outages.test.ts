/** What a system and a statestore do while a database with a server is away, full, or refuses connections. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Commit } from "../../src/engine/statestore.ts";
import { actor, actorSystem } from "../../src/sdk/index.ts";
import { statestoreFromUrl } from "../../src/statestores/from-url.ts";
import {
  actorNamed,
  createActor,
  firstCommit,
  findRow,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { administerMysql, mariadb, startMariadb } from "../servers/mariadb.ts";
import { administer, postgres, startPostgres } from "../servers/postgres.ts";
import { serverUser } from "../servers/server-process.ts";
import type { OwnServer, TestDatabase } from "../servers/test-database.ts";

const MIB = 2 ** 20;
/** What the tables begin with, and as much again as the test writes. */
const DISK_MIB = 32;
const FILLER_MIB = 16;
/** More than there is room for. */
const ROWS_MAX = 16_384;
const GROUP = 128;
/** Small enough for a page of its table. */
const STATE_BYTES = 3_000;
const RETRY_MS = 500;

interface ServerKind {
  readonly database: TestDatabase;
  readonly start: () => Promise<OwnServer>;
  /** The address of a place whose tables, and nothing else, are on a disk that `mountAt` makes. */
  readonly placeOnDisk: (
    server: OwnServer,
    mountAt: (directory: string, user: string) => void,
  ) => Promise<string>;
}

const kinds: readonly ServerKind[] = [
  {
    database: postgres,
    start: () => startPostgres(),
    async placeOnDisk(server, mountAt) {
      const directory = mkdtempSync(join(tmpdir(), "spawn-mesh-disk-"));
      mountAt(directory, "postgres");
      await administer(server.url, `CREATE TABLESPACE small LOCATION '${directory}'`);
      const url = new URL(await server.createPlace());
      const options = url.searchParams.get("options");
      url.searchParams.set("options", `${options} -c default_tablespace=small`);
      return url.href;
    },
  },
  {
    database: mariadb,
    start: () => startMariadb(),
    async placeOnDisk(server, mountAt) {
      const url = await server.createPlace();
      const rows = await administerMysql(server.url, "SELECT @@datadir AS directory");
      const [{ directory }] = rows as [{ readonly directory: string }];
      mountAt(join(directory, new URL(url).pathname), "mysql");
      return url;
    },
  },
];

const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ n: 0 }),
  actions: { add: (ctx) => ++ctx.state.n },
});
const encryption = { keys: { key: randomBytes(32) } };

/** It cannot be compressed. */
function create(name: string): Commit {
  const state = `"${randomBytes(STATE_BYTES).toString("base64url")}"`;
  return firstCommit(actorNamed(name), { state });
}

for (const { database, start, placeOnDisk } of kinds) {
  describe.skipIf(database.missing !== undefined)(`with ${database.name}`, () => {
    let server: OwnServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.stop());

    test("a system whose database goes away before the first call refuses it, and goes on when it is back", async () => {
      const system = actorSystem("shop", {
        actors: [counter],
        statestore: statestoreFromUrl(await server.createPlace()),
        encryption,
        handleSignals: false,
        limits: { storeRetryMs: RETRY_MS },
      });
      await system.start();
      onTestFinished(() => system.stop());
      const ref = system.actor(counter, "a");
      await server.kill();
      const refused = { code: "STATESTORE_UNAVAILABLE", applied: "no", retryable: true };
      await expect(ref.add()).rejects.toMatchObject(refused);
      await expect(system.effect(counter, "a").add()).rejects.toMatchObject(refused);
      await expect(system.actors.list()).rejects.toMatchObject(refused);
      await expect(system.stored(counter, "a").listRevisions()).rejects.toMatchObject(refused);
      await server.restart();
      expect(await ref.add()).toBe(1);
    });

    test("what a full disk refuses is certainly not applied, and is when there is room again", async ({
      skip,
    }) => {
      let disk: string | undefined;
      const url = await placeOnDisk(server, (directory, user) => {
        const { uid, gid } = serverUser(user);
        const options = `size=${DISK_MIB}m,mode=0700,uid=${uid},gid=${gid}`;
        const mount = ["-t", "tmpfs", "-o", options, "tmpfs", directory];
        if (spawnSync("mount", mount).status !== 0) skip("no file system can be mounted here");
        disk = directory;
      });
      const store = statestoreFromUrl(url);
      onTestFinished(async () => {
        await store.close();
        spawnSync("umount", ["-l", disk!]);
        rmSync(disk!, { recursive: true });
      });
      await store.open({ owner: "session-1" });
      await createActor(store, actorNamed("before"));
      const filler = join(disk!, "filler");
      writeFileSync(filler, Buffer.alloc(FILLER_MIB * MIB));
      const stored: string[] = [];
      let failure: unknown;
      while (failure === undefined && stored.length < ROWS_MAX) {
        const names = Array.from({ length: GROUP }, (_, at) => `a${stored.length + at}`);
        await store.commit(names.map(create)).then(
          () => stored.push(...names),
          (error: unknown) => (failure = error),
        );
      }
      expect(failure).toMatchObject({ name: "StoreFailure", kind: "capacity" });
      const refused = `a${stored.length}`;
      expect(await findRow(store, actorNamed(refused))).toBeUndefined();
      rmSync(filler);
      expect(await store.commit([create(refused)])).not.toContain(undefined);
      for (const name of ["before", stored.at(-1)!, refused])
        expect(await findRow(store, actorNamed(name))).toBeDefined();
    });
  });
}
