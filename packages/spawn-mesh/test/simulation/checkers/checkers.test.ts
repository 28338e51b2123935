/** Each checker on a small history that is wrong in one way, and on one that is right. */
import { describe, expect, test } from "vitest";
import type { Commit } from "../../../src/engine/statestore.ts";
import type { AppliedCommit, Attempt, Operation, RunLog, SessionEvent } from "../run-log.ts";
import { indexEntries } from "../../../src/engine/values/index-values.ts";
import { indexOfList } from "../definitions.ts";
import { checkRun } from "./all.ts";

const actor = "list/a";

function operation(changes: Partial<Operation>): Operation {
  return {
    actor,
    role: "list",
    kind: "append",
    value: undefined,
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

/** A commit of `items`, at that sequence number. */
function applied(
  sequence: number,
  items: readonly string[],
  changes: Partial<Commit> & { readonly in?: AppliedCommit["role"] } = {},
): AppliedCommit {
  const { in: role = "list", ...commit } = changes;
  return {
    sequence,
    at: sequence,
    owner: "p1",
    actor: `${role}/a`,
    role,
    commit: {
      actor: { system: "simulation", definition: role, name: "a" },
      handle: 0,
      previous: sequence === 1 ? undefined : `e${sequence - 1}`,
      etag: `e${sequence}`,
      revision: sequence,
      state: JSON.stringify({ items }),
      codec: "json",
      stateVersion: 1,
      tags: undefined,
      at: 0,
      isDelete: false,
      revisionsKept: 0,
      replies: [],
      consumes: [],
      cancels: [],
      sends: [],
      index: commit.isDelete === true ? undefined : indexEntries(indexOfList(items)),
      ...commit,
    },
  };
}

function attempt(changes: Partial<Attempt>): Attempt {
  return {
    operation: operation({}),
    owner: "p1",
    startedAt: 0,
    deadlineMs: 100,
    endedAt: 50,
    code: undefined,
    ...changes,
  };
}

/** Events of one incarnation and actor. */
function session(
  ...events: readonly (Partial<SessionEvent> & { readonly type: string })[]
): readonly SessionEvent[] {
  return events.map((event) => ({ owner: "p1", actor, ...event }) as SessionEvent);
}

/** The invariants that a history breaks, each once. */
function broken(history: Partial<RunLog>): readonly string[] {
  const violations = checkRun({
    operations: [],
    attempts: [],
    applied: [],
    sessions: [],
    sightings: [],
    messages: [],
    runs: [],
    asked: new Map(),
    cancelled: new Set(),
    acknowledged: new Set(),
    purged: [],
    restored: [],
    looks: [],
    expireAfterMs: Infinity,
    recollections: [],
    revisionsKeptMs: 1_000,
    snapshotTimeoutMs: 100,
    outside: new Map(),
    setBacks: [],
    isCalm: false,
    peaks: [],
    unloaded: [],
    pauses: [],
    leftOver: [],
    isExclusive: true,
    writeBehindBoundMs: 100,
    ...history,
  });
  return [...new Set(violations.map(({ invariant }) => invariant))].toSorted();
}

const x = operation({ value: "x", version: 1 });
const y = operation({ value: "y", version: 2 });

describe("the chain of commits (I1, I3, I5)", () => {
  test("is right when each follows the one before it", () => {
    expect(
      broken({ applied: [applied(1, ["x"]), applied(2, ["x", "y"])], operations: [x, y] }),
    ).toEqual([]);
  });
  test("is broken by a commit on another etag", () => {
    const history = [applied(1, ["x"]), applied(2, ["x", "y"], { previous: "e0" })];
    expect(broken({ applied: history, operations: [x, y] })).toEqual(["I1"]);
  });
  test("is broken by a gap in the revisions", () => {
    const history = [applied(1, ["x"]), applied(2, ["x", "y"], { revision: 3 })];
    expect(broken({ applied: history, operations: [x, y] })).toEqual(["I1"]);
  });
  test("is broken by a state that forgets", () => {
    expect(broken({ applied: [applied(1, ["x"]), applied(2, ["y"])], operations: [y] })).toEqual([
      "I3",
    ]);
  });
  test("is broken by what comes back after a delete", () => {
    const history = [
      applied(1, ["x"], { in: "deletable" }),
      applied(2, [], { in: "deletable", isDelete: true, state: undefined }),
      applied(3, ["x"], { in: "deletable" }),
    ];
    expect(broken({ applied: history })).toEqual(["I3"]);
    expect(
      broken({ applied: [...history.slice(0, 2), applied(3, ["z"], { in: "deletable" })] }),
    ).toEqual([]);
  });
});

describe("what actors are found by (I17)", () => {
  const four = ["x", "y", "z", "a"];
  const history = [applied(1, ["x"]), applied(2, ["x", "y"], { index: undefined })];
  const operations = four.map((value, at) => operation({ value, version: at + 1 }));

  test("is right when it is written with the state, or is the same as before", () => {
    expect(broken({ applied: history, operations: operations.slice(0, 2) })).toEqual([]);
    const changed = [...history, applied(3, four)];
    expect(broken({ applied: changed, operations })).toEqual([]);
  });
  test("is broken by a commit that leaves it behind, and by one that has another", () => {
    const behind = [...history, applied(3, four, { index: undefined })];
    expect(broken({ applied: behind, operations })).toEqual(["I17"]);
    const other = [...history, applied(3, four, { index: [] })];
    expect(broken({ applied: other, operations })).toEqual(["I17"]);
  });
});

describe("what is restored (I3)", () => {
  const of = { in: "deletable" } as const;
  const source = "deletable/a";
  const restoring = {
    actor: source,
    source,
    revision: 1,
    startedSequence: 2.5,
    endedSequence: 5,
    outcome: "yes",
  } as const;
  const before = [applied(1, ["x"], of), applied(2, ["x", "y"], of)];

  test("is what that revision was, and may have changed in the same commit", () => {
    const restored = [restoring];
    expect(broken({ applied: [...before, applied(3, ["x", "z"], of)], restored })).toEqual([]);
    expect(broken({ applied: [...before, applied(3, ["y"], of)], restored })).toEqual(["I3"]);
    expect(broken({ applied: before, restored })).toEqual(["I3"]);
    expect(broken({ applied: before, restored: [{ ...restoring, outcome: undefined }] })).toEqual(
      [],
    );
  });
  test("may take with it what was acknowledged meanwhile, and nothing else", () => {
    const lost = operation({ actor: source, role: "deletable", value: "z" });
    const history = { applied: [...before, applied(3, ["x"], of)], operations: [lost] };
    expect(broken({ ...history, restored: [{ ...restoring, startedSequence: 0 }] })).toEqual([]);
    expect(broken(history)).toEqual(["I2", "I3", "I9"]);
  });
});

describe("what is deleted because it was found (I18)", () => {
  const of = { in: "deletable" } as const;
  const gone = { ...of, isDelete: true, state: undefined };
  const purged = [{ actor: "deletable/a", revision: 1 }];

  test("is right when nothing was committed in between", () => {
    expect(broken({ applied: [applied(1, ["x"], of), applied(2, [], gone)], purged })).toEqual([]);
  });
  test("is broken by a commit in between, and by one that never was", () => {
    const changed = [applied(1, ["x"], of), applied(2, ["x", "y"], of), applied(3, [], gone)];
    expect(broken({ applied: changed, purged })).toEqual(["I18"]);
    expect(broken({ applied: [applied(1, ["x"], of)], purged })).toEqual(["I18"]);
  });
  test("is broken by what was acknowledged and went with it", () => {
    const history = [applied(1, ["x"], of), applied(2, [], gone)];
    const lost = operation({ actor: "deletable/a", role: "deletable", value: "z" });
    expect(broken({ applied: history, operations: [lost], purged })).toEqual(["I18"]);
    expect(broken({ applied: history, operations: [lost] })).toEqual([]);
  });
});

describe("the state of some time ago (I21)", () => {
  const states = [
    applied(1, ["x"], { at: 100 }),
    applied(3, ["x", "y"], { at: 300, previous: "e1", revision: 2 }),
    applied(5, ["x", "y", "z"], { at: 350, previous: "e3", revision: 3 }),
  ];
  const asked = { actor, wall: 400, startedSequence: 6, endedSequence: 7 };
  const first = { revision: 1, items: ["x"] };
  const second = { revision: 2, items: ["x", "y"] };

  test.each([
    [320, second],
    // Not every one is kept.
    [360, second],
    [99, undefined],
  ])("at %d is right", (time, answer) => {
    expect(broken({ applied: states, recollections: [{ ...asked, time, answer }] })).toEqual([]);
  });
  test.each([
    [299, second],
    [400, first],
    [320, { revision: 2, items: ["x"] }],
    [320, { revision: 9, items: ["x"] }],
    [320, undefined],
  ])("at %d is wrong", (time, answer) => {
    const recollections = [{ ...asked, time, answer }];
    expect(broken({ applied: states, recollections })).toEqual(["I21"]);
  });
});

describe("a list that nobody can read (I13)", () => {
  const of = { in: "deletable" } as const;
  const readable = applied(1, ["x"], of);
  const unreadable = applied(2, ["x"], { ...of, stateVersion: 2 });
  const restoring = {
    actor: "deletable/a",
    source: "deletable/a",
    revision: 1,
    startedSequence: 2,
    endedSequence: 4,
    outcome: "yes",
  } as const;

  test("may be deleted, or put back and kept", () => {
    const gone = applied(3, [], { ...of, isDelete: true, state: undefined });
    expect(broken({ applied: [readable, unreadable, gone] })).toEqual([]);
    const back = applied(3, ["x"], { ...of, revisionsKept: 3 });
    expect(broken({ applied: [readable, unreadable, back], restored: [restoring] })).toEqual([]);
  });
  test("is broken when it is changed, put back without being kept, or answers", () => {
    const changed = applied(3, ["x", "y"], of);
    expect(broken({ applied: [readable, unreadable, changed] })).toEqual(["I13"]);
    const lost = applied(3, ["x"], of);
    const restored = [restoring];
    expect(broken({ applied: [readable, unreadable, lost], restored })).toEqual(["I13"]);
    const read = { actor: "deletable/a", role: "deletable", kind: "read", items: [] } as const;
    const operations = [operation({ ...read, startedSequence: 3 })];
    expect(broken({ applied: [readable, unreadable], operations })).toEqual(["I13"]);
  });
});

describe("an actor that expires (I18)", () => {
  const of = { in: "fleeting" } as const;
  const gone = { isDelete: true, state: undefined, previous: "e1", revision: 2 };
  const history = [applied(1, ["x"], { ...of, at: 1_000 }), applied(3, [], { ...of, ...gone })];

  test("is right when it was looked for after its time", () => {
    const looks = [{ sequence: 2, wall: 1_501 }];
    expect(broken({ applied: history, looks, expireAfterMs: 500 })).toEqual([]);
  });
  test("is broken when it was looked for too early, or before it was committed last", () => {
    for (const look of [
      { sequence: 2, wall: 1_500 },
      { sequence: 0, wall: 1_501 },
    ]) {
      expect(broken({ applied: history, looks: [look], expireAfterMs: 500 })).toEqual(["I18"]);
    }
  });
});

describe("the list-append checker (I2 to I5, I8)", () => {
  test("finds what was acknowledged and lost", () => {
    // That the answer came before any commit is found too.
    expect(broken({ operations: [x] })).toEqual(["I2", "I9"]);
  });
  test("finds what was refused and applied", () => {
    const refused = operation({ value: "x", outcome: "no" });
    expect(broken({ applied: [applied(1, ["x"])], operations: [refused] })).toEqual(["I4"]);
    const unknown = operation({ value: "x", outcome: "unknown" });
    expect(broken({ applied: [applied(1, ["x"])], operations: [unknown] })).toEqual([]);
  });
  test("finds what an action left behind that failed", () => {
    expect(broken({ applied: [applied(1, ["x", "x late"])], operations: [x] })).toEqual(["I4"]);
  });
  test("finds what was applied twice", () => {
    expect(broken({ applied: [applied(1, ["x", "x"])], operations: [x] })).toEqual(["I5"]);
  });
  test("finds a wrong place, and a read of what never was", () => {
    const misplaced = operation({ value: "x", version: 2 });
    expect(broken({ applied: [applied(1, ["x"])], operations: [misplaced] })).toEqual(["I3"]);
    const read = operation({ kind: "read", items: ["y"], version: 1 });
    expect(broken({ applied: [applied(1, ["x", "y"])], operations: [x, y, read] })).toEqual(["I3"]);
  });
  test("finds a read that is older than an answer before it, if the store is exclusive", () => {
    const stale = operation({
      kind: "read",
      items: [],
      version: 0,
      startedSequence: 2_000,
      endedSequence: 2_001,
    });
    const history = { applied: [applied(1, ["x"])], operations: [x, stale] };
    expect(broken(history)).toEqual(["I8"]);
    expect(broken({ ...history, isExclusive: false })).toEqual([]);
  });
  test("holds answers about lists that are deleted to the states that there were", () => {
    const history = [
      applied(1, ["x"], { in: "deletable" }),
      applied(2, [], { in: "deletable", isDelete: true, state: undefined }),
    ];
    const of = { actor: "deletable/a", role: "deletable" } as const;
    const lost = operation({ ...of, value: "z" });
    const refused = operation({ ...of, value: "x", outcome: "no" });
    const strange = operation({ ...of, kind: "read", items: ["z"] });
    const later = { startedSequence: 5 };
    expect(broken({ applied: history, operations: [lost] })).toEqual([]);
    expect(broken({ applied: history, operations: [{ ...lost, ...later }] })).toEqual(["I2", "I9"]);
    expect(broken({ applied: history, operations: [refused] })).toEqual(["I4"]);
    expect(broken({ applied: history, operations: [strange] })).toEqual([]);
    expect(broken({ applied: history, operations: [{ ...strange, ...later }] })).toEqual([
      "I3",
      "I9",
    ]);
  });
});

describe("the output gate (I9)", () => {
  test("is broken by an acknowledgement before the commit", () => {
    const early = operation({ value: "x", version: 1, endedSequence: 4 });
    expect(broken({ applied: [applied(1, []), applied(2, ["x"])], operations: [early] })).toEqual(
      [],
    );
    const commits = [{ ...applied(1, ["x"]), sequence: 5 }];
    expect(broken({ applied: commits, operations: [early] })).toEqual(["I9"]);
  });
  test("is broken by a read before the commit of what it shows", () => {
    const early = operation({ kind: "read", items: ["x"], version: 1, endedSequence: 4 });
    const late = { ...x, endedSequence: 9 };
    const commits = [{ ...applied(1, ["x"]), sequence: 5 }];
    expect(broken({ applied: commits, operations: [late, early] })).toEqual(["I9"]);
  });
  test("is broken by a call that leaves before the commit of what its actor had seen", () => {
    const commits = [{ ...applied(1, ["x"]), sequence: 5 }];
    const seen = (sequence: number) => [{ actor, value: "x", sequence }];
    expect(broken({ applied: commits, operations: [x], sightings: seen(4) })).toEqual(["I9"]);
    expect(broken({ applied: commits, operations: [x], sightings: seen(6) })).toEqual([]);
  });
});

describe("one commit at a time (I10)", () => {
  const start = [
    { type: "shown", etag: "a" },
    { type: "sent", etag: "b", previous: "a" },
  ] as const;
  const next = { type: "sent", etag: "c", previous: "b" } as const;
  const ok = { type: "answered", etag: "b", isCommitted: true } as const;

  test("is kept by one after another, and by repeating the same", () => {
    const lost = { type: "failed", etag: "b", isAmbiguous: true } as const;
    expect(broken({ sessions: session(...start, ok, next) })).toEqual([]);
    expect(broken({ sessions: session(...start, lost, start[1], ok, next) })).toEqual([]);
  });
  test("is broken by two in flight", () => {
    expect(broken({ sessions: session(...start, next) })).toEqual(["I10"]);
  });
  test("is broken by another commit while one is in doubt", () => {
    const lost = { type: "failed", etag: "b", isAmbiguous: true } as const;
    const other = { type: "sent", etag: "c", previous: "a" } as const;
    expect(broken({ sessions: session(...start, lost, other) })).toEqual(["I10"]);
    const shown = { type: "shown", etag: "a" } as const;
    expect(broken({ sessions: session(...start, lost, shown, other) })).toEqual([]);
  });
  test("is broken by a commit on an etag that was seen to be gone", () => {
    const refused = { type: "answered", etag: "b", isCommitted: false } as const;
    const foreign = { type: "shown", etag: "z" } as const;
    expect(broken({ sessions: session(...start, refused, foreign, next) })).toEqual(["I10"]);
  });
});

describe("what cannot be read stays as it is (I13)", () => {
  const of = { actor: "foreign/newer", role: "foreign" } as const;

  test("is broken by an answer, by a commit, and by a refusal for another reason", () => {
    expect(broken({ operations: [operation(of)] })).toEqual(["I13"]);
    expect(broken({ applied: [applied(1, [], { in: "foreign" })] })).toEqual(["I13"]);
    const refusal = attempt({
      operation: operation({ ...of, outcome: "no" }),
      code: "ACTION_FAILED",
    });
    expect(broken({ attempts: [refusal] })).toEqual(["I13"]);
    expect(broken({ attempts: [{ ...refusal, code: "STATE_CORRUPT" }] })).toEqual([]);
  });
  test("is broken by a commit of an actor that was never loaded", () => {
    expect(broken({ unloaded: ["p1 committed list/a"] })).toEqual(["I13"]);
  });
});

describe("bounds and rest (I15)", () => {
  test("are broken by what is above its limit", () => {
    expect(broken({ peaks: [{ what: "loads", limit: 2, peak: 3 }] })).toEqual(["I15"]);
    expect(broken({ peaks: [{ what: "loads", limit: 2, peak: 2 }] })).toEqual([]);
  });
  test("are broken by an answer after the deadline, unless the process stood still", () => {
    const late = attempt({ endedAt: 200 });
    expect(broken({ attempts: [late] })).toEqual(["I15"]);
    expect(broken({ attempts: [late], pauses: [{ owner: "p1", from: 90, until: 200 }] })).toEqual(
      [],
    );
    expect(broken({ attempts: [late], pauses: [{ owner: "p2", from: 90, until: 200 }] })).toEqual([
      "I15",
    ]);
  });
  test("are broken by what does not come to rest", () => {
    expect(broken({ leftOver: ["a call has no outcome"] })).toEqual(["I15"]);
  });
});

describe("what a write-behind actor may lose (I16)", () => {
  const acknowledged = (value: string, endedAt: number) =>
    operation({
      actor: "write-behind/a",
      role: "write-behind",
      value,
      version: endedAt,
      madeAt: endedAt,
      endedAt,
      endedSequence: endedAt,
    });
  const stored = (...items: readonly string[]) => [applied(1, items, { in: "write-behind" })];

  test("is its tail, within the bound", () => {
    const operations = [acknowledged("x", 10), acknowledged("y", 200), acknowledged("z", 290)];
    expect(broken({ operations, applied: stored("x") })).toEqual([]);
    expect(broken({ operations, applied: [] })).toEqual(["I16"]);
  });
  test("is never something in the middle", () => {
    const operations = [acknowledged("x", 10), acknowledged("y", 20), acknowledged("z", 30)];
    expect(broken({ operations, applied: stored("x", "z") })).toEqual(["I16"]);
  });
});
