/** What a group of commits costs a database with a server, and what two processes on one database do to each other. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../src/engine/message-store.ts";
import type { ActorId } from "../../src/engine/actor-id.ts";
import {
  type Commit,
  type Statestore,
  type StoredActor,
  StoreFailure,
} from "../../src/engine/statestore.ts";
import { statestoreFromUrl } from "../../src/statestores/from-url.ts";
import {
  actorNamed,
  advance,
  createActor,
  deletion,
  firstCommit,
  loadReplies,
  loadRow,
  nextCommit,
  refuse,
  reply,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { repeating } from "../../src/testing/statestore-cases/message-fixtures.ts";
import { findNames, index, is } from "../../src/testing/statestore-cases/query-fixtures.ts";
import { countMysqlLooks, mariadb, mysqlDatabase } from "../servers/mariadb.ts";
import { countPostgresLooks, postgres } from "../servers/postgres.ts";
import { TcpProxy } from "../servers/tcp-proxy.ts";
import type { TestDatabaseServer } from "../servers/test-database.ts";

const GROUP = 200;
const BEHIND = 20_000;
const CLAIMS = 50;
const ROUNDS = 30;
/** Of messages and what they are found by, for a claim and all that the test does beside it. */
const LOOKS_A_CLAIM_MAX = 100;
const ann = actorNamed("ann");

function message(id: string): Message {
  const headers = { kind: "call" } as const;
  const of = { isOrdered: true, isTimer: false, sentAt: 1, dueAt: 1 };
  return { id, source: ann, target: ann, action: "do", payload: "{}", headers, ...of };
}

/** What one of two processes does to an actor: most change it, some keep a revision or delete it. */
function overlapping(
  actor: ActorId,
  row: StoredActor,
  { at, round, who }: { readonly at: number; readonly round: number; readonly who: number },
): Commit {
  const id = `${round} ${who} ${at}`;
  const parts = { sends: [message(id)], replies: [reply(id)] };
  if ((at + round) % 5 === who) return deletion(actor, row, parts);
  return nextCommit(actor, row, { ...parts, index: index({ at }), revisionsKept: (at + who) % 3 });
}

async function rowsOf(
  store: Statestore,
  actors: readonly ActorId[],
): Promise<readonly StoredActor[]> {
  const queries = actors.map((actor) => ({ actor, row: true, keys: [], messages: [] }));
  return (await store.load(queries)).map(({ row }) => row!);
}

const claim = {
  wall: 10,
  isDoubtful: false,
  limit: 15,
  laneMax: 4,
  unitsMax: 10_000,
  retry: { firstMs: 1_000, maxMs: 1_000 },
};

const databases = [
  [postgres, countPostgresLooks],
  [mariadb, countMysqlLooks],
  [mysqlDatabase, countMysqlLooks],
] as const;

for (const [database, countLooks] of databases) {
  describe.skipIf(database.missing !== undefined)(`a group of commits on ${database.name}`, () => {
    let server: TestDatabaseServer;
    beforeAll(async () => {
      server = await database.start();
    });
    afterAll(() => server.stop());

    async function open(url: string, owner: string): Promise<Statestore> {
      const store = statestoreFromUrl(url, { connectionsMax: 2 });
      await store.open({ owner });
      return store;
    }

    test("is one round trip, with everything that belongs to it", async () => {
      let rounds = 0;
      let isAnswered = true;
      const url = await server.createPlace();
      const proxy = await TcpProxy.start(Number(new URL(url).port), () => ({
        sent() {
          if (isAnswered) rounds++;
          isAnswered = false;
        },
        swallows() {
          isAnswered = true;
          return false;
        },
      }));
      const store = await open(proxy.through(url), "session-1");
      const actors = Array.from({ length: GROUP }, (_, at) => actorNamed(`a${at}`));
      const creates = actors.map((actor, at) =>
        firstCommit(actor, { sends: [message(`m${at}`)], index: index({ at }) }),
      );
      rounds = 0;
      expect(await store.commit(creates)).not.toContain(undefined);
      expect(rounds).toBe(1);

      const rows = await Promise.all(actors.map((actor) => loadRow(store, actor)));
      const changes = actors.map((actor, at): Commit => {
        const kept = { revisionsKept: 2, revisionsSince: 1 };
        const parts = { ...kept, replies: [reply("k")], index: index({ at: at + 1 }) };
        const messages = { consumes: [message(`m${at}`)], sends: [message(`m${at}`)] };
        return nextCommit(actor, rows[at]!, { ...parts, ...messages });
      });
      rounds = 0;
      expect(await store.commit(changes)).not.toContain(undefined);
      expect(rounds).toBe(1);

      rounds = 0;
      await store.load(
        actors.map((actor) => ({ actor, row: true, keys: ["k"], messages: ["m1"] })),
      );
      expect(rounds).toBe(1);
      await store.close();
      await proxy.stop();
    });

    test("of one process fences those of another, and neither takes the database", async () => {
      const url = await server.createPlace();
      const [one, other] = [await open(url, "session-1"), await open(url, "session-2")];
      const first = await createActor(one, ann);
      const second = await advance(other, ann, { row: first });
      await refuse(one, nextCommit(ann, first));
      expect(await loadRow(one, ann)).toEqual(second);
      expect(second).toMatchObject({ owner: "session-2", epoch: 2, baseEtag: first.etag });
      await Promise.all([one.close(), other.close()]);
    });

    test("of two processes that overlap in any order has one winner a row, whatever belongs to it", async () => {
      const url = await server.createPlace();
      const stores = [await open(url, "session-1"), await open(url, "session-2")];
      const actors = Array.from({ length: 30 }, (_, at) => actorNamed(`a${at}`));
      await stores[0]!.commit(actors.map((actor) => firstCommit(actor)));
      const sent = new Set<string>();
      for (let round = 0; round < ROUNDS; round++) {
        const rows = await rowsOf(stores[0]!, actors);
        const groups = stores.map((_, who) =>
          [...actors.keys()]
            .filter((at) => (at + round + who) % 4 !== 0)
            .toSorted((a, b) => ((a * 7 + who * 11) % 30) - ((b * 7 + who * 11) % 30))
            .map((at) => overlapping(actors[at]!, rows[at]!, { at, round, who })),
        );
        const answers = await Promise.all(
          groups.map((group, who) => repeating(() => stores[who]!.commit(group))),
        );
        const winners = groups.flatMap((group, who) =>
          group.filter((_, at) => answers[who]![at] !== undefined),
        );
        expect(new Set(winners.map(({ actor }) => actor.name)).size).toBe(winners.length);
        expect(winners.length).toBe(new Set(groups.flat().map(({ actor }) => actor.name)).size);
        const after = await rowsOf(stores[1]!, actors);
        for (const { actor, etag, sends } of winners) {
          expect(after[actors.indexOf(actor)]!.etag).toBe(etag);
          for (const { id } of sends) sent.add(id);
        }
      }
      const waiting = await stores[0]!.messages.list({ limit: 10_000 });
      expect(new Set(waiting.map(({ id }) => id))).toEqual(sent);
      await Promise.all(stores.map((store) => store.close()));
    });

    test("and claims of two processes hand out each message once, and each lane in order", async () => {
      const url = await server.createPlace();
      const stores = [await open(url, "session-1"), await open(url, "session-2")];
      const ids = Array.from({ length: 100 }, (_, index) => `m${index}`);
      await stores[0]!.messages.send(
        ids.map((id, index) => ({ ...message(id), target: actorNamed(`t${index % 10}`) })),
      );
      const claimed: string[] = [];
      for (let round = 0; round < 20; round++) {
        const claims = stores.map((store) => store.messages.claim(claim));
        for (const messages of await Promise.all(claims)) {
          claimed.push(...messages.map(({ id }) => id));
          await stores[0]!.messages.remove(messages.map(({ id }) => id));
        }
      }
      expect(claimed.toSorted()).toEqual(ids.toSorted());
      for (let lane = 0; lane < 10; lane++) {
        const ofLane = claimed.map((id) => Number(id.slice(1))).filter((id) => id % 10 === lane);
        expect(ofLane).toEqual(ofLane.toSorted((a, b) => a - b));
      }
      await Promise.all(stores.map((store) => store.close()));
    });

    test("and claims do not look at what waits behind a head", async () => {
      const url = await server.createPlace();
      const store = await open(url, "session-1");
      await store.messages.send([{ ...message("head"), dueAt: 1_000_000 }]);
      const ids = Array.from({ length: BEHIND }, (_, index) => `m${index}`);
      for (let first = 0; first < BEHIND; first += 1_000)
        await store.messages.send(ids.slice(first, first + 1_000).map(message));
      const looks = await countLooks(url);
      for (let count = 0; count < CLAIMS; count++) {
        expect(await store.messages.claim(claim)).toEqual([]);
        expect(await store.messages.nextDueAt()).toBe(1_000_000);
      }
      await store.messages.remove(["head"]);
      for (let count = 0; count < CLAIMS; count++) {
        const claimed = (await store.messages.claim(claim)).map(({ id }) => id);
        expect(claimed).toEqual(ids.splice(0, claim.laneMax));
        await store.messages.remove(claimed);
      }
      // Connections that end have told what they did.
      await store.close();
      expect((await countLooks(url)) - looks).toBeLessThan(2 * CLAIMS * LOOKS_A_CLAIM_MAX);
    });

    test("has its own entries in the index, although another process indexes at that moment", async () => {
      const url = await server.createPlace();
      const [one, other] = [await open(url, "session-1"), await open(url, "session-2")];
      let row = await createActor(one, ann, { index: index({ before: 0 }) });
      let reindexed = 0;
      for (let round = 1; round <= GROUP; round++) {
        const old = { actor: ann, etag: row.etag, index: index({ before: round }) };
        const next = nextCommit(ann, row, { index: index({ now: round }) });
        const [count] = await Promise.all([
          other.queries.reindex([old]),
          afterSteps(round % 12).then(() => commitPatiently(one, next)),
        ]);
        reindexed += count;
        row = await loadRow(one, ann);
        expect(row.revision).toBe(round + 1);
        for (const stale of [is("before", round)])
          expect(await findNames(one, { where: [stale] })).toEqual([]);
        expect(await findNames(one, { where: [is("now", round)] })).toEqual(["ann"]);
      }
      expect(reindexed).toBeGreaterThan(0);
      await Promise.all([one.close(), other.close()]);
    });

    test("and none when it is deleted, although another process indexes at that moment", async () => {
      const url = await server.createPlace();
      const [one, other] = [await open(url, "session-1"), await open(url, "session-2")];
      let reindexed = 0;
      for (let round = 1; round <= GROUP; round++) {
        const actor = actorNamed(`ann-${round}`);
        const row = await createActor(one, actor, { index: index({ was: 0 }) });
        const old = { actor, etag: row.etag, index: index({ was: round }) };
        const end = deletion(actor, row);
        const [count] = await Promise.all([
          other.queries.reindex([old]),
          afterSteps(round % 12).then(() => commitPatiently(one, end)),
        ]);
        reindexed += count;
        const left = { where: [is("was", round)], isDeleted: true };
        expect(await findNames(one, left)).toEqual([]);
      }
      expect(reindexed).toBeGreaterThan(0);
      await Promise.all([one.close(), other.close()]);
    });

    test("and no replies, although another process remembers one at that moment", async () => {
      const url = await server.createPlace();
      const [one, other] = [await open(url, "session-1"), await open(url, "session-2")];
      for (let round = 1; round <= GROUP; round++) {
        const actor = actorNamed(`ann-${round}`);
        const row = await createActor(one, actor);
        const step = message("step");
        await one.messages.send([step]);
        await Promise.all([
          other.messages.replace(step, [], { actor, reply: reply("key") }),
          afterSteps(round % 12).then(() => commitPatiently(one, deletion(actor, row))),
        ]);
        expect(await loadReplies(one, actor, ["key"])).toEqual([]);
      }
      await Promise.all([one.close(), other.close()]);
    });

    test("and no timers, although another process puts off one at that moment", async () => {
      const url = await server.createPlace();
      const [one, other] = [await open(url, "session-1"), await open(url, "session-2")];
      for (let round = 1; round <= GROUP; round++) {
        const actor = actorNamed(`ann-${round}`);
        const row = await createActor(one, actor);
        const tick = { ...message("tick"), source: actor, isTimer: true };
        await one.messages.send([tick]);
        await Promise.all([
          other.messages.replace(tick, [{ ...tick, sentAt: 2 }]),
          afterSteps(round % 12).then(() => commitPatiently(one, deletion(actor, row))),
        ]);
        expect(await one.messages.list({ limit: 1 })).toEqual([]);
      }
      await Promise.all([one.close(), other.close()]);
    });

    test("and what is cancelled is gone, although another process replaces it at that moment", async () => {
      const url = await server.createPlace();
      const [one, other] = [await open(url, "session-1"), await open(url, "session-2")];
      let row = await createActor(one, ann);
      let replaced = 0;
      for (let round = 1; round <= GROUP; round++) {
        const sent = { ...message("again"), isOrdered: false, sentAt: 2 * round };
        await one.messages.send([sent]);
        const next = { ...sent, sentAt: sent.sentAt + 1 };
        const [isReplaced] = await Promise.all([
          other.messages.replace(sent, [next]),
          one.commit([nextCommit(ann, row, { cancels: ["again"] })]),
        ]);
        if (isReplaced) replaced++;
        row = await loadRow(one, ann);
        expect(row.revision).toBe(round + 1);
        expect(await one.messages.list({ limit: 1 })).toEqual([]);
      }
      expect(replaced).toBeGreaterThan(0);
      await Promise.all([one.close(), other.close()]);
    });
  });
}

/** A little later each time, to meet every moment of what goes on meanwhile. */
async function afterSteps(steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) await new Promise((resolve) => setImmediate(resolve));
}

/** As the engine does: again, when it was certainly not applied. */
async function commitPatiently(store: Statestore, commit: Commit): Promise<void> {
  for (;;) {
    try {
      expect(await store.commit([commit])).toEqual([commit.handle]);
      return;
    } catch (error) {
      if (!(error instanceof StoreFailure) || error.kind !== "retry") throw error;
    }
  }
}
