import { expect, test } from "vitest";
import { actorNamed, firstCommit, reply } from "../../testing/statestore-cases/commit-fixtures.ts";
import { keyedCommit } from "../sql/commit-group.ts";
import { mssqlDialect } from "./mssql-dialect.ts";

test("a key that the database would take for another is not stored", () => {
  const commit = (key: string) =>
    keyedCommit(firstCommit(actorNamed("ann"), { replies: [reply(key)] }), 0);
  expect(() => mssqlDialect.commit("o", [commit("k"), commit("k\0")])).toThrow(
    expect.objectContaining({ kind: "rows" }),
  );
  expect(mssqlDialect.commit("o", [commit("k"), commit("\0k")]).statements).not.toEqual([]);
});
