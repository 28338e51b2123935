/** Names and states come back as they were, whatever they look like. */
import assert from "node:assert";
import { type ActorId, NAME_BYTES_MAX } from "../../engine/actor-id.ts";
import type { StateBytes, StoredState, Tags } from "../../engine/statestore.ts";
import {
  actorNamed,
  advance,
  apply,
  createActor,
  firstCommit,
  loadRow,
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase, OpenStatestore } from "./conformance-case.ts";

const ann = actorNamed("ann");
const LARGE_STATE_BYTES = 16 * 1024 * 1024;

/** The longest name in letters of four bytes. */
const LONGEST = "🦕".repeat(NAME_BYTES_MAX / 4);

/** Names that a store may take for one another, or for something else. */
const names: readonly ActorId[] = [
  ...["joe", "Joe", "joe ", " joe", "JOE", "jo", "e"].map((name) => actorNamed(name)),
  ...["caf\u00e9", "cafe\u0301", "🦕", "👩‍👩‍👧", "ß", "ss", "ı", "I", "\u200bjoe", "\ufeffjoe"].map(
    (name) => actorNamed(name),
  ),
  ...["__proto__", "constructor", "toString", "null", "undefined", "0", "00", "1e3"].map((name) =>
    actorNamed(name),
  ),
  ...[".", "*", ">", "%", "_", "'", '"', "--", "; DROP TABLE spawn_actor", "\\", "a/b", "../x"].map(
    (name) => actorNamed(name),
  ),
  actorNamed("n".repeat(NAME_BYTES_MAX)),
  actorNamed(`${"n".repeat(NAME_BYTES_MAX - 1)}m`),
  actorNamed(LONGEST, LONGEST, LONGEST),
  // The same letters, split elsewhere.
  actorNamed("c", "b", "a"),
  actorNamed("bc", "a", "a"),
  actorNamed("c", "ab", "a"),
  actorNamed("c", "a", "ab"),
  actorNamed("c", "__proto__", "__proto__"),
];

async function assertComesBack(open: OpenStatestore, state: StateBytes): Promise<void> {
  await withStore(open, async (store) => {
    const row = await createActor(store, ann, { state });
    assertSameState(row.state, state);
    const next = await advance(store, ann, { row, fields: { revisionsKept: 1, state: "0" } });
    assert.strictEqual(next.state, "0");
    assertSameState((await store.readRevision(ann, 1))?.state, state);
  });
}

/** Large values are compared by hand: an assertion would print them. */
function assertSameState(actual: StoredState["state"], expected: StateBytes): void {
  if (typeof expected === "string") {
    assert(
      actual === expected,
      `a text of ${expected.length} characters did not come back as it was`,
    );
  } else {
    assert(actual instanceof Uint8Array, "bytes came back as something else");
    assert(
      Buffer.compare(actual, expected) === 0,
      `${expected.length} bytes did not come back as they were`,
    );
  }
}

export const valueCases: readonly ConformanceCase[] = [
  {
    name: "takes names for different that differ in one byte, and splits of the same letters",
    run: (open) =>
      withStore(open, async (store) => {
        const handles = await store.commit(
          names.map((actor, index) => firstCommit(actor, { state: `${index}` })),
        );
        assert.strictEqual(new Set(handles).size, names.length);
        assert(!handles.includes(undefined), "a name was taken for another");
        const answers = await store.load(
          names.map((actor) => ({ actor, row: true, keys: [], messages: [] })),
        );
        for (const [index, answer] of answers.entries())
          assert.strictEqual(answer.row?.state, `${index}`);
      }),
  },
  { name: "returns an empty text", run: (open) => assertComesBack(open, "") },
  {
    name: "returns text beyond Latin-1 and control characters",
    run: (open) => assertComesBack(open, '{"a":"ü € 😀 \u0001\u007f\u0085\u2028"}'),
  },
  { name: "returns no bytes", run: (open) => assertComesBack(open, new Uint8Array(0)) },
  {
    name: "returns every byte as a Uint8Array",
    run: (open) =>
      assertComesBack(
        open,
        Uint8Array.from({ length: 256 }, (_, index) => index),
      ),
  },
  {
    name: "returns a view of a larger buffer without what is beside it",
    run: (open) =>
      assertComesBack(open, Uint8Array.from({ length: 64 }, (_, index) => index).subarray(8, 24)),
  },
  {
    name: "returns a text of 16 MiB",
    run: (open) => assertComesBack(open, `"${"ab ü ".repeat(LARGE_STATE_BYTES / 6)}"`),
  },
  {
    name: "returns 16 MiB of bytes",
    run: (open) => assertComesBack(open, new Uint8Array(LARGE_STATE_BYTES).fill(0xa5)),
  },
  {
    name: "leaves the caller's bytes usable",
    run: (open) =>
      withStore(open, async (store) => {
        const state = Uint8Array.of(1, 2, 3);
        await apply(store, firstCommit(ann, { state }));
        assert.deepStrictEqual([...state], [1, 2, 3]);
        assert.deepStrictEqual((await loadRow(store, ann)).state, state);
      }),
  },
  {
    name: "returns tags as they were: none, no tag, and a tag named __proto__",
    run: (open) =>
      withStore(open, async (store) => {
        const tagSets: readonly (Tags | undefined)[] = [
          undefined,
          {},
          JSON.parse('{"__proto__":"x","":"😀"}'),
        ];
        for (const [index, tags] of tagSets.entries()) {
          const row = await createActor(store, actorNamed(`tagged-${index}`), { tags });
          assert.deepStrictEqual(row.tags, tags);
        }
      }),
  },
  {
    name: "returns large numbers exactly",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann, {
          revision: Number.MAX_SAFE_INTEGER,
          at: 8_640_000_000_000_000,
        });
        assert.strictEqual(row.revision, Number.MAX_SAFE_INTEGER);
        assert.strictEqual(row.at, 8_640_000_000_000_000);
      }),
  },
];
