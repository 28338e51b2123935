import { expect, test } from "vitest";
import type { Commit } from "../../engine/statestore.ts";
import { actorNamed, firstCommit, reply } from "../../testing/statestore-cases/commit-fixtures.ts";
import { keyedCommit } from "../sql/commit-group.ts";
import { cockroachDialect } from "./cockroach-dialect.ts";

test("no statement of a group changes a table twice, whatever the group does", () => {
  const fields: Partial<Commit> = {
    revisionsKept: 2,
    replies: [reply("k")],
    consumes: [{ id: "m1", sentAt: 1 }],
    cancels: ["m2"],
    sends: [
      {
        id: "m1",
        source: actorNamed("a"),
        target: actorNamed("b"),
        action: "do",
        payload: null,
        headers: { kind: "call" },
        isOrdered: true,
        isTimer: true,
        sentAt: 1,
        dueAt: 1,
      },
    ],
  };
  const update = { handle: "0123456789abcdef", previous: "0123456789abcdef" };
  const commits = [
    firstCommit(actorNamed("a"), fields),
    firstCommit(actorNamed("b"), { ...fields, ...update }),
    firstCommit(actorNamed("c"), { ...fields, ...update, isDelete: true }),
  ].map(keyedCommit);
  const { statements, rest } = cockroachDialect.commit("owner", commits);
  const all = [...statements, ...(rest?.([true, true, true]) ?? [])];
  for (const { texts } of all) {
    const changed = [
      ...texts.join("?").matchAll(/(?:UPDATE|INSERT INTO|DELETE FROM) (spawn_\w+)/g),
    ];
    const tables = changed.map(([, table]) => table);
    expect(new Set(tables).size).toBe(tables.length);
    expect(tables.length).toBeGreaterThan(0);
  }
});
