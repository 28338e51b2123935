import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { messageLists } from "./message-calls.ts";
import { messageQueries } from "./message-table.ts";
import { migrate } from "./migrations.ts";

const database = new DatabaseSync(":memory:");
migrate(database, 0);

/** How SQLite answers a query, step by step. */
function planOf(query: string): readonly string[] {
  const steps = database.prepare(`EXPLAIN QUERY PLAN ${query}`).all();
  return steps.map(({ detail }) => String(detail));
}

describe("with a million messages in the file", () => {
  test.each(Object.entries({ ...messageQueries, ...messageLists }))(
    "%s reads no more than it needs",
    (_, query) => {
      // What is scanned is a part of the answer, and what is sorted are those of one time.
      const step =
        "SEARCH (spawn_message|it|behind) USING (COVERING )?(INDEX|INTEGER PRIMARY KEY) ";
      const rest =
        "MERGE|LEFT|RIGHT|USE TEMP B-TREE FOR LAST TERM|CO-ROUTINE|SCAN \\(subquery|.*SCALAR";
      const pattern = new RegExp(`^(${step}|${rest})`);
      const plan = planOf(query);
      expect(plan).toEqual(plan.map(() => expect.stringMatching(pattern)));
    },
  );

  test("those that are doubtful are found among themselves", () => {
    expect(planOf(messageQueries.claimDoubtful)).toEqual([
      expect.stringContaining("USING INDEX spawn_message_doubtful "),
    ]);
  });
});
