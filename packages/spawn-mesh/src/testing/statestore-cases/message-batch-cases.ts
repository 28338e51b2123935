/** Messages and batches of commits: each commit finds what those before it have left. */
import assert from "node:assert";
import { createActor, deletion, findRow, firstCommit, withStore } from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import {
  ann,
  bob,
  cat,
  claimIds,
  idsOf,
  list,
  message,
  messages,
  ordered,
  ref,
  refs,
  repeating,
  timer,
  waiting,
} from "./message-fixtures.ts";

const RACES = 40;

export const messageBatchCases: readonly ConformanceCase[] = [
  {
    name: "consumes a message once when two commits of a batch name it: the first has it",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([message("a")]);
        const commits = [bob, cat].map((actor) => firstCommit(actor, { consumes: refs(["a"]) }));
        const [first, second] = await store.commit(commits);
        assert.notStrictEqual(first, undefined);
        assert.strictEqual(second, undefined);
        assert.strictEqual(await findRow(store, cat), undefined);
      }),
  },
  {
    name: "refuses a commit that consumes a timer which a delete before it in the batch took away",
    run: (open) =>
      withStore(open, async (store) => {
        const ofAnn = await createActor(store, ann, {
          sends: [timer("timer"), timer("cancelled")],
        });
        const answers = await store.commit([
          deletion(ann, ofAnn),
          firstCommit(bob, { consumes: refs(["timer"]) }),
          firstCommit(cat, {
            cancels: ["cancelled"],
            sends: [message("cancelled", { source: cat })],
          }),
        ]);
        assert.deepStrictEqual(
          answers.map((handle) => handle !== undefined),
          [true, false, true],
        );
        assert.deepStrictEqual(idsOf(await list(store)), ["cancelled"]);
      }),
  },
  {
    name: "sends nothing for the id of a timer that a delete behind it in the batch takes away",
    run: (open) =>
      withStore(open, async (store) => {
        const ofAnn = await createActor(store, ann, { sends: [timer("timer")] });
        const sending = firstCommit(bob, { sends: [message("timer", { source: bob })] });
        const handles = await store.commit([sending, deletion(ann, ofAnn)]);
        assert(!handles.includes(undefined));
        assert.deepStrictEqual(await list(store), []);
      }),
  },
  {
    name: "stores the messages of a batch in its order, also when one of its commits is refused",
    run: (open) =>
      withStore(open, async (store) => {
        await createActor(store, ann);
        const actors = Array.from({ length: RACES }, (_, index) => ({ ...cat, name: `${index}` }));
        const sent = actors.map((source) => message(`of ${source.name}`, { source }));
        const commits = actors.map((actor, index) => firstCommit(actor, { sends: [sent[index]!] }));
        const refused = firstCommit(ann, { sends: [message("of ann", { source: ann })] });
        const handles = await store.commit([...commits, refused]);
        assert.strictEqual(handles.at(-1), undefined);
        assert.deepStrictEqual(await claimIds(store), idsOf(sent));
      }),
  },
  {
    name: "stores a message once that several commits send, the first of a batch, and applies all of them",
    run: (open) =>
      withStore(open, async (store) => {
        const [first, second] = [ordered("a"), message("a", { source: cat, payload: "2" })];
        const batch = [firstCommit(ann, { sends: [first] }), firstCommit(cat, { sends: [second] })];
        assert(!(await store.commit(batch)).includes(undefined), "a commit was refused");
        assert.deepStrictEqual(await list(store), [waiting(first)]);

        const actors = Array.from({ length: RACES }, (_, index) => ({ ...cat, name: `${index}` }));
        const sends = messages(["p", "q", "r", "s", "t"]);
        const applied = await Promise.all(
          actors.map(async (source, index) => {
            const own = sends.map((sent) => ({ ...sent, source }));
            const inOrder = index % 2 === 0 ? own : own.toReversed();
            const commit = firstCommit(source, { sends: inOrder });
            return await repeating(() => store.commit([commit]));
          }),
        );
        assert(!applied.flat().includes(undefined), "a commit was refused");
        assert.deepStrictEqual(idsOf(await list(store)), ["a", ...idsOf(sends)]);
      }),
  },
  {
    name: "gives a message to a commit or to a call that takes it away at the same time, never to both",
    run: (open) =>
      withStore(open, async (store) => {
        const actors = Array.from({ length: RACES }, (_, index) => ({ ...cat, name: `${index}` }));
        await store.messages.send(actors.map(({ name }) => message(name)));
        const outcomes = await Promise.all(
          actors.map(async (actor, index) => {
            const { name } = actor;
            const commit = firstCommit(actor, { consumes: refs([name]) });
            const takesAway = [
              async () => (await store.messages.remove([name])).length === 1,
              () => store.messages.replace(ref(name), [message(`${name}, replaced`)]),
            ][index % 2]!;
            const [taken, answers] = await Promise.all([
              repeating(takesAway),
              repeating(() => store.commit([commit])),
            ]);
            return [taken, answers[0] !== undefined];
          }),
        );
        for (const [isTaken, isConsumed] of outcomes) assert.notStrictEqual(isTaken, isConsumed);
      }),
  },
];
