/** Everything of a system is read at one moment, and comes back as it was when it is added elsewhere. */
import assert from "node:assert";
import { everyActor } from "../../engine/actor-queries.ts";
import { indexEntries, indexKey } from "../../engine/values/index-values.ts";
import type { Statestore } from "../../engine/statestore.ts";
import type { SystemRow } from "../../engine/system-rows.ts";
import {
  actorNamed,
  advance,
  apply,
  createActor,
  deletion,
  FIRST_OWNER,
  findRow,
  firstCommit,
  loadReplies,
  loadRow,
  nextCommit,
  reply,
  SECOND_OWNER,
  wholeRows,
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import {
  ann,
  bob,
  cat,
  claim,
  claimIds,
  DUE_AT,
  idsOf,
  list,
  listParked,
  message,
  ordered,
  sendParked,
  timer,
} from "./message-fixtures.ts";

const SYSTEM = ann.system;
const other = actorNamed("ann", "counter", "another");
const gone = actorNamed("gone");

/** Something of everything that is stored, some of it by a second owner. */
async function fill(store: Statestore): Promise<void> {
  const first = await createActor(store, ann, {
    tags: { colour: "réd" },
    index: indexEntries({ colour: "réd", count: -3.5, old: true, none: "a\u0000b" }),
    replies: [
      reply("once"),
      reply("dropped", { reply: undefined }),
      reply("none", { reply: null }),
    ],
    sends: [ordered("a1"), ordered("a2"), ordered("a3", { target: cat }), timer("tick")],
  });
  const second = await advance(store, ann, { row: first, fields: { revisionsKept: 5 } });
  const third = await advance(store, ann, { row: second, fields: { revisionsKept: 5 } });
  await advance(store, ann, { row: third, fields: { tags: { colour: "blue" } } });
  await createActor(store, bob, { state: "null", stateVersion: 3 });
  const deleted = await createActor(store, gone);
  await apply(store, deletion(gone, deleted, { replies: [reply("deletion")] }));
  await createActor(store, other, { sends: [message("o1", { source: other, target: ann })] });
  await store.messages.send([
    message("alone", { dueAt: DUE_AT + 5 }),
    message("elsewhere", { target: other }),
  ]);
  await sendParked(store, message("parked"));
  await sendParked(store, message("parked too", { source: other }));
  await store.messages.postpone([
    { ...ordered("a1"), dueAt: DUE_AT + 7, attempts: 4, error: "tried" },
  ]);
}

async function readAll(store: Statestore, system = SYSTEM): Promise<readonly SystemRow[]> {
  const rows: SystemRow[] = [];
  for await (const part of store.systems.read(system)) rows.push(...wholeRows(part));
  return rows;
}

/** Rows of actors come in the order of the store. */
function sorted(rows: readonly SystemRow[]): readonly SystemRow[] {
  return rows.toSorted((one, two) => (nameOf(one) < nameOf(two) ? -1 : 1));
}

function nameOf(row: SystemRow): string {
  switch (row.kind) {
    case "state":
      return `actor ${row.actor.name}`;
    case "revision":
      return `revision ${row.actor.name} ${row.stored.revision}`;
    case "index":
      return `index ${row.actor.name} ${row.stored.field}`;
    case "reply":
      return `reply ${row.actor.name} ${row.stored.key}`;
    case "message":
    case "parked":
      return `${row.kind} ${row.stored.id}`;
  }
}

const EVERYTHING = [
  "actor ann",
  "actor bob",
  "actor gone",
  "index ann colour",
  "index ann count",
  "index ann none",
  "index ann old",
  "message a1",
  "message a2",
  "message a3",
  "message alone",
  "message tick",
  "parked parked",
  "reply ann dropped",
  "reply ann none",
  "reply ann once",
  "reply gone deletion",
  "revision ann 1",
  "revision ann 2",
];

/** All that the other calls of a statestore tell. */
async function lookAround(store: Statestore): Promise<unknown> {
  return {
    rows: await Promise.all(
      [ann, bob, gone, other].map(async (actor) => {
        const row = await findRow(store, actor);
        return row && { ...row, handle: undefined };
      }),
    ),
    replies: await loadReplies(store, ann, ["once", "dropped", "none"]),
    kept: await loadReplies(store, gone, ["deletion"]),
    revisions: await store.listRevisions(ann),
    oldest: await store.readRevision(ann, 1),
    actors: await store.listActors({
      system: SYSTEM,
      definition: ann.definition,
      after: undefined,
      limit: 10,
    }),
    found: await store.queries.list({
      ...everyActor({
        system: SYSTEM,
        definition: ann.definition,
        after: undefined,
        limit: 10,
        looksMax: 100,
      }),
      where: [{ field: "count", equals: indexKey("count", -3.5) }],
    }),
    messages: await list(store),
    parked: await listParked(store),
    nextDueAt: await store.messages.nextDueAt(),
  };
}

/** Opens for one owner after another, and closes in between. */
async function withOwners(
  open: (owner: string) => Promise<Statestore>,
  ...runs: readonly ((store: Statestore) => Promise<void>)[]
): Promise<void> {
  for (const [index, run] of runs.entries()) {
    const store = await open(index % 2 === 0 ? FIRST_OWNER : SECOND_OWNER);
    await run(store);
    await store.close();
  }
}

export const systemCases: readonly ConformanceCase[] = [
  {
    name: "reads everything of a system: deleted actors, history, replies, messages, parked ones",
    run: (open) =>
      withStore(open, async (store) => {
        await fill(store);
        const rows = await readAll(store);
        assert.deepStrictEqual(rows.map(nameOf).toSorted(), EVERYTHING);
        const messages = rows.filter(({ kind }) => kind === "message").map(nameOf);
        const inOrder = ["a1", "a2", "a3", "tick", "alone"].map((id) => `message ${id}`);
        assert.deepStrictEqual(messages, inOrder);
        assert.deepStrictEqual((await readAll(store, "another")).map(nameOf), [
          "actor ann",
          "message o1",
          "message elsewhere",
          "parked parked too",
        ]);
        assert.deepStrictEqual(await readAll(store, "nowhere"), []);
      }),
  },
  {
    name: "removes what it has read of a system, and nothing of others; added again, all is as it was",
    run: (open) =>
      withOwners(
        open,
        fill,
        // Taken over, so that there is a base etag.
        async (store) => {
          await advance(store, ann, { row: await loadRow(store, ann) });
        },
        async (store) => {
          const before = await lookAround(store);
          const rows = await readAll(store);
          await store.systems.remove(rows);
          assert.deepStrictEqual(await readAll(store), []);
          assert.strictEqual(await findRow(store, ann), undefined);
          assert.deepStrictEqual(idsOf(await list(store)), ["elsewhere", "o1"]);
          assert.deepStrictEqual(idsOf(await listParked(store)), ["parked too"]);
          await store.systems.add(rows.slice(0, 4));
          await store.systems.add(rows.slice(4));
          assert.deepStrictEqual(sorted(await readAll(store)), sorted(rows));
          assert.deepStrictEqual(await lookAround(store), before);
        },
        async (store) => {
          assert.deepStrictEqual((await readAll(store)).map(nameOf).toSorted(), EVERYTHING);
        },
      ),
  },
  {
    name: "leaves what is there already as it is, and adds what is missing",
    run: (open) =>
      withStore(open, async (store) => {
        await fill(store);
        const rows = await readAll(store);
        await advance(store, bob, { row: await loadRow(store, bob) });
        await store.messages.remove(["a2"]);
        await store.messages.retryParked(["parked"], DUE_AT);
        const bobNow = await loadRow(store, bob);
        await store.systems.add(rows);
        await store.systems.add(rows);
        assert.deepStrictEqual(await loadRow(store, bob), bobNow);
        assert.strictEqual((await list(store)).filter(({ id }) => id === "a2").length, 1);
        assert.deepStrictEqual(idsOf(await listParked(store)), ["parked too"]);
        const everything = EVERYTHING.with(EVERYTHING.indexOf("parked parked"), "message parked");
        assert.deepStrictEqual(
          (await readAll(store)).map(nameOf).toSorted(),
          everything.toSorted(),
        );
      }),
  },
  {
    name: "goes on from rows that were added: commits, lanes, timers, attempts, doubts",
    run: (open) =>
      withStore(open, async (store) => {
        await createActor(store, ann, {
          sends: [ordered("a1"), ordered("a2"), timer("tick"), message("doubtful")],
        });
        const now = { wall: DUE_AT, limit: 1 };
        await store.messages.postpone(
          ["a1", "tick"].map((id) => ({
            ...ordered(id),
            dueAt: DUE_AT + 500,
            attempts: 0,
            error: "x",
          })),
        );
        await claim(store, now);
        await claim(store, { ...now, wall: DUE_AT + 100 });
        const rows = await readAll(store);
        await store.systems.remove(rows);
        await createActor(store, bob);
        await store.systems.add(rows);
        await createActor(store, cat);
        const later = { wall: DUE_AT + 10_000 };
        assert.deepStrictEqual(await claimIds(store, { ...later, isDoubtful: true }), ["doubtful"]);
        const row = await loadRow(store, ann);
        assert.strictEqual(row.unsent, 2);
        assert.deepStrictEqual(await claimIds(store, later), ["a1", "tick", "a2"]);
        await apply(store, deletion(ann, await advance(store, ann, { row })));
        assert.deepStrictEqual(idsOf(await list(store)).toSorted(), ["a1", "a2", "doubtful"]);
        for (const actor of [bob, cat])
          await apply(store, nextCommit(actor, await loadRow(store, actor)));
      }),
  },
  {
    name: "reads one moment, whatever is committed meanwhile",
    run: (open) =>
      withStore(open, async (store) => {
        const names = Array.from({ length: 700 }, (_, index) => actorNamed(`a${index}`));
        const handles = await store.commit(
          names.map((actor, index) =>
            firstCommit(actor, { sends: [message(`m${index}`, { source: actor })] }),
          ),
        );
        assert(handles.every((handle) => handle !== undefined));
        const rows: SystemRow[] = [];
        for await (const part of store.systems.read(SYSTEM)) {
          if (rows.length === 0) {
            for (const actor of [names[0]!, names[699]!, names[350]!]) {
              const row = await loadRow(store, actor);
              await apply(store, nextCommit(actor, row, { sends: [message(`new ${actor.name}`)] }));
            }
            await store.messages.remove(["m0", "m699"]);
            await createActor(store, actorNamed("later"));
          }
          rows.push(...wholeRows(part));
        }
        const states = rows.filter((row) => row.kind === "state");
        assert.strictEqual(states.length, 700);
        assert(states.every(({ stored }) => stored.revision === 1));
        assert.strictEqual(rows.length, 1400);
        assert.strictEqual((await readAll(store)).length, 701 + 701);
      }),
  },
  {
    name: "reads large rows in parts, and may stop before the end",
    run: (open) =>
      withStore(open, async (store) => {
        const state = JSON.stringify("x".repeat(700_000));
        for (const name of ["a", "b", "c", "d"]) {
          await createActor(store, actorNamed(name), { state });
        }
        let parts = 0;
        for await (const part of store.systems.read(SYSTEM)) {
          assert(part.length <= 3);
          parts++;
        }
        assert(parts >= 2, "all came at once");
        for await (const part of store.systems.read(SYSTEM)) if (part.length > 0) break;
        assert.strictEqual((await readAll(store)).length, 4);
        const { state: kept } = await loadRow(store, actorNamed("d"));
        assert.strictEqual(kept, state);
      }),
  },
  {
    name: "keeps for each system how far an import of it has come",
    run: (open) =>
      withOwners(
        open,
        async (store) => {
          assert.strictEqual(await store.systems.readMark(SYSTEM), undefined);
          await store.systems.writeMark(SYSTEM, { id: "one", phase: "clearing" });
          await store.systems.writeMark(SYSTEM, { id: "one", phase: "adding" });
          await store.systems.writeMark("s".repeat(1024), { id: "two", phase: "finished" });
        },
        async (store) => {
          const adding = { id: "one", phase: "adding" };
          assert.deepStrictEqual(await store.systems.readMark(SYSTEM), adding);
          const finished = { id: "two", phase: "finished" };
          assert.deepStrictEqual(await store.systems.readMark("s".repeat(1024)), finished);
          assert.strictEqual(await store.systems.readMark("another"), undefined);
        },
      ),
  },
];
