/** Rows that are not as we left them: refused without being touched, or taken for what they are. */
import { describe, expect, test } from "vitest";
import { actor, state } from "spawn-mesh";
import type { Statestore } from "spawn-mesh";
import type { Commit } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { z } from "zod";
import {
  actorNamed,
  apply,
  firstCommit,
  loadRow,
  nextCommit,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { errorOf, startSystem } from "../behaviour/start-system.ts";

const counter = actor("counter", {
  kind: "unnamed",
  state: state(z.object({ total: z.number() }), () => ({ total: 0 })),
  actions: {
    add: (ctx, by: number) => (ctx.state.total += by),
    meddle(ctx) {
      (ctx.tags as Record<string, string>)["meddled"] = "yes";
    },
    tags: (ctx) => ctx.tags,
  },
});

const ETAG = "0123456789abcdef";
const ODD = actorNamed("odd", "counter", "test");

/** A store with one row, written by somebody else. */
async function storeWith(changes: Partial<Commit>): Promise<Statestore> {
  const store = memoryStatestore();
  await store.open({ owner: "somebody else" });
  const row = { etag: ETAG, revision: 7, state: '{"total":7}', at: 0 };
  await apply(store, firstCommit(ODD, { ...row, ...changes }));
  return store;
}

describe("a row that this program cannot read", () => {
  test.each<[string, object, string]>([
    ["of an unknown codec", { codec: "protobuf-9" }, "protobuf-9"],
    ["of bytes where text is expected", { state: new Uint8Array([1, 2]) }, "expected"],
    ["that is encrypted", { state: { keyId: "k", bytes: new Uint8Array(60) } }, 'with key "k"'],
    ["of a newer version", { stateVersion: 2 }, "version 2"],
    ["of version 0", { stateVersion: 0 }, "version 0"],
    ["of a negative version", { stateVersion: -1 }, "version -1"],
    ["of half a version", { stateVersion: 0.5 }, "version 0.5"],
    ["of no version", { stateVersion: Number.NaN }, "version NaN"],
    ["without a state", { state: undefined }, "has lost its state"],
    ["that is cut off", { state: '{"total":' }, "not json"],
    ["that is empty", { state: "" }, "not json"],
    ["that has a byte order mark", { state: '\ufeff{"total":7}' }, "not json"],
  ])("(%s) is refused and left alone, and the other actors go on", async (_what, row, message) => {
    const inner = await storeWith(row);
    const { system, store } = await startSystem([counter], { inner });
    for (const action of ["add", "get"] as const) {
      const error = await errorOf(system.actor(counter, "odd")[action](1 as never));
      expect(error).toMatchObject({ code: "STATE_CORRUPT", applied: "no", retryable: false });
      expect(error.message).toContain("[STATE_CORRUPT] test/counter/odd: ");
      expect(error.message).toContain(message);
    }
    expect(await system.actor(counter, "fine").add(1)).toBe(1);
    expect(store.commits.map(({ actor: { name } }) => name)).toEqual(["fine"]);
    const [answer] = await inner.load([
      {
        actor: { system: "test", definition: "counter", name: "odd" },
        row: true,
        keys: [],
        messages: [],
      },
    ]);
    expect(answer?.row?.etag).toBe(ETAG);
  });

  test.each<[string, object]>([
    ["of an unknown codec", { codec: "protobuf-9" }],
    ["that is encrypted", { state: { keyId: "k", bytes: new Uint8Array(60) } }],
    ["of a newer version", { stateVersion: 2 }],
    ["without a state", { state: undefined }],
    ["that is cut off", { state: '{"total":' }],
  ])("(%s) can be deleted by name, and that is all that may happen to it", async (_what, row) => {
    const inner = await storeWith(row);
    const { system } = await startSystem([counter], { inner });
    expect((await errorOf(system.actor(counter, "odd").add(1))).code).toBe("STATE_CORRUPT");
    await system.stored(counter, "odd").delete();
    expect(await loadRow(inner, ODD)).toMatchObject({ isDeleted: true, revision: 8 });
    expect(await system.actor(counter, "odd").add(1)).toBe(1);
  });
});

describe("a row that is odd but can be read", () => {
  test.each<[string, object]>([
    ["an etag of 15 bytes", { etag: "0123456789abcde" }],
    ["an empty etag", { etag: "" }],
    ["a huge revision", { revision: 2 ** 40 }],
    ["a time in the future", { at: 8e15 }],
    ["blanks in its text", { state: ' { "total" : 7 } ' }],
  ])("(%s) goes on with the state it has", async (_what, row) => {
    const { system } = await startSystem([counter], { inner: await storeWith(row) });
    const ref = system.actor(counter, "odd");
    expect([await ref.add(1), await ref.add(1)]).toEqual([8, 9]);
  });

  test("(tags of another program) keeps them, and no action can change them in place", async () => {
    const inner = await storeWith({ tags: { colour: "red" } });
    const { system } = await startSystem([counter], { inner });
    const ref = system.actor(counter, "odd");
    expect(await errorOf(ref.meddle())).toMatchObject({ code: "ACTION_FAILED" });
    expect(await ref.tags()).toEqual({ colour: "red" });
  });

  test("(a number that is none in JavaScript) fails each call that looks at it, and stays", async () => {
    const inner = await storeWith({ state: '{"total":1e400}' });
    const { system, store } = await startSystem([counter], { inner });
    const error = await errorOf(system.actor(counter, "odd").add(1));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    expect(error.message).toContain("Infinity");
    expect(store.commits).toEqual([]);
  });

  test("(__proto__ as a field) changes no object but its own", async () => {
    const inner = await storeWith({ state: '{"total":7,"__proto__":{"admin":true}}' });
    const { system } = await startSystem([counter], { inner });
    expect(await system.actor(counter, "odd").add(1)).toBe(8);
    const stored = await system.actor(counter, "odd").get();
    expect(Object.hasOwn(stored, "__proto__")).toBe(true);
    expect((stored as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe("a statestore that went back in time", () => {
  test("is noticed: the actor starts again from what there is, and says so", async () => {
    const inner = await storeWith({});
    const { system, events } = await startSystem([counter], { inner });
    const ref = system.actor(counter, "odd");
    for (let n = 0; n < 3; n++) await ref.add(1);
    const row = await loadRow(inner, ODD);
    await inner.open({ owner: "a backup" });
    const older = { etag: ETAG, revision: 7, state: '{"total":7}' };
    await apply(inner, nextCommit(ODD, row, older));
    expect(await ref.add(1)).toBe(8);
    expect(events).toContainEqual(expect.objectContaining({ type: "store-rollback", stored: 7 }));
  });
});

describe("a stored reply", () => {
  test.each<[string, object, string]>([
    ["of another request", { fingerprint: "0000" }, "IDEMPOTENCY_CONFLICT no"],
    ["that is not JSON", { reply: "{" }, "STATE_CORRUPT yes"],
    [
      "that is encrypted",
      { reply: { keyId: "k", bytes: new Uint8Array(60) } },
      "STATE_CORRUPT unknown",
    ],
  ])("%s is refused, and the actor goes on", async (_what, changes, outcome) => {
    const first = await startSystem([counter], { inner: await storeWith({}) });
    await first.system.actor(counter, "odd").add(1, { idempotencyKey: "known" });
    const stored = first.store.commits.at(-1)!.replies[0]!;
    first.system.crash();
    const reply = { ...stored, key: "odd", ...changes };
    const { system } = await startSystem([counter], {
      inner: await storeWith({ replies: [reply] }),
    });
    const ref = system.actor(counter, "odd");
    const error = await errorOf(ref.add(1, { idempotencyKey: "odd" }));
    expect(`${error.code} ${error.applied}`).toBe(outcome);
    expect(await ref.add(1)).toBe(8);
  });
});
