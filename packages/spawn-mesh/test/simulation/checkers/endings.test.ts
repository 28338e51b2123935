/** The ends of actors that delete themselves: each wrong in one way, and those that are right. */
import { describe, expect, test } from "vitest";
import type { Message } from "../../../src/engine/message-store.ts";
import type { Commit } from "../../../src/engine/statestore.ts";
import { firstCommit } from "../../../src/testing/statestore-cases/commit-fixtures.ts";
import { EMPTY } from "../posts.ts";
import type { PostPayload } from "../posts.ts";
import type { AppliedCommit, Operation } from "../run-log.ts";
import { checkChains } from "./chains.ts";
import { checkEndings } from "./endings.ts";
import { checkListAppends } from "./list-append.ts";
import { newItems } from "./new-items.ts";

const actor = { system: "simulation", definition: "post-mortal", name: "a" };

function message(payload: PostPayload, changes: Partial<Message> = {}): Message {
  return {
    id: payload.value,
    source: actor,
    target: { ...actor, definition: "post" },
    action: "post",
    payload: JSON.stringify(payload),
    headers: { kind: "call" },
    isOrdered: true,
    isTimer: false,
    sentAt: 0,
    dueAt: 0,
    ...changes,
  };
}

const lastWord = (...list: readonly string[]): Message =>
  message({ ...EMPTY, value: "a.9/end", list });
const timer = message({ ...EMPTY, value: "tick" }, { isTimer: true });

function applied(revision: number, changes: Partial<Commit>): AppliedCommit {
  const commit = firstCommit(actor, {
    handle: 0,
    previous: revision === 1 ? undefined : `e${revision - 1}`,
    etag: `e${revision}`,
    revision,
    state: undefined,
    ...changes,
  });
  const about = { actor: "post-mortal/a", role: "post-mortal", owner: "p1" } as const;
  return { ...about, sequence: 10 * revision, at: 10 * revision, commit };
}

const list = (revision: number, ...items: readonly string[]): AppliedCommit =>
  applied(revision, { state: JSON.stringify({ items }) });
const ended = (revision: number, ...sends: readonly Message[]): AppliedCommit =>
  applied(revision, { isDelete: true, sends });
const replyOf = (key: string): Commit["replies"][number] => ({
  key,
  fingerprint: "",
  reply: null,
  kind: "reply",
  expiresAt: 0,
});

function operation(changes: Partial<Operation>): Operation {
  return {
    actor: "post-mortal/a",
    role: "post-mortal",
    kind: "append",
    value: "y",
    startedAt: 0,
    startedSequence: 0,
    outcome: "yes",
    endedAt: 0,
    endedSequence: 1_000,
    version: undefined,
    madeAt: undefined,
    items: undefined,
    owner: "p1",
    ...changes,
  };
}

const asked = new Map([
  ["x", { ...EMPTY, value: "x" }],
  ["y", { ...EMPTY, value: "y", isLast: true }],
]);

describe("an actor that deletes itself", () => {
  const broken = (history: readonly AppliedCommit[], operations: readonly Operation[] = []) =>
    checkEndings({ applied: history, messages: [], asked, operations }).map(({ what }) => what);

  test("is right when that is the last it does, and tells of itself", () => {
    expect(broken([list(1, "x"), ended(2, lastWord("x", "y"))])).toEqual([]);
  });
  test("is wrong when it stays, or does more in the same commit", () => {
    const what = "post-mortal/a goes on after y, which was to be the last";
    expect(broken([list(1, "x", "y")])).toEqual([`revision 1 of ${what}`]);
    expect(broken([ended(1, lastWord("x", "y", "z"))])).toEqual([`revision 1 of ${what}`]);
  });
  test("is wrong when its timer goes on", () => {
    const what = "revision 2 of post-mortal/a deletes, and starts a timer";
    expect(broken([list(1, "x"), ended(2, lastWord("x", "y"), timer)])).toEqual([what]);
  });
  test("is wrong when it tells nobody, unless somebody else deletes it", () => {
    const silent = [list(1, "x"), ended(2)];
    const deleting = operation({ kind: "delete", value: "" });
    expect(broken(silent)).toEqual(["revision 2 of post-mortal/a deletes, and tells nobody"]);
    expect(broken(silent, [deleting])).toEqual([]);
    expect(broken(silent, [{ ...deleting, outcome: "unknown", endedSequence: 1 }])).toEqual([]);
    expect(broken(silent, [{ ...deleting, outcome: "no" }])).not.toEqual([]);
    expect(broken(silent, [{ ...deleting, endedSequence: 1 }])).not.toEqual([]);
    expect(broken(silent, [{ ...deleting, startedSequence: 21 }])).not.toEqual([]);
  });
});

describe("what an actor did that has deleted itself", () => {
  const history = [list(1, "x"), ended(2, lastWord("x", "y")), list(3, "z")];

  test("is known from its last word, and the next one begins with nothing", () => {
    expect(newItems(history).map(({ items }) => items)).toEqual([["x"], ["y"], ["z"]]);
  });
  test("is not known when somebody else deletes it", () => {
    const entries = newItems([list(1, "x"), ended(2), list(3, "z")]);
    expect(entries.map(({ items }) => items)).toEqual([["x"], ["z"]]);
  });
  test("is what its callers were told", () => {
    const broken = (changes: Partial<Operation>): readonly string[] => {
      const operations = [operation(changes)];
      const log = { operations, applied: history, restored: [], isExclusive: true };
      return checkListAppends(log).map(({ invariant }) => invariant);
    };
    expect(broken({ version: 2 })).toEqual([]);
    expect(broken({ version: 1 })).toEqual(["I3"]);
    expect(broken({ outcome: "no" })).toEqual(["I4"]);
    expect(broken({ value: "w" })).toEqual(["I2"]);
  });
  test("does not come back, unless it is repeated and nobody remembers it any more", () => {
    const broken = (...commits: readonly AppliedCommit[]) =>
      checkChains({ applied: commits, restored: [] }).map(({ invariant }) => invariant);
    const remembered = applied(1, {
      isDelete: true,
      sends: [lastWord("y")],
      replies: [replyOf("y")],
    });
    const again = list(2, "y");
    expect(broken(...history.slice(0, 2), list(3, "y"))).toEqual(["I3"]);
    expect(broken(remembered, again)).toEqual(["I3"]);
    expect(
      broken(remembered, { ...again, commit: { ...again.commit, replies: [replyOf("y")] } }),
    ).toEqual(["I5", "I3"]);
    expect(broken(remembered, list(2, "z"), ended(3), list(4, "y"))).toEqual([]);
  });
});
