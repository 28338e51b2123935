import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
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
  test.each(Object.entries(messageQueries))("%s reads no more than it needs", (name, query) => {
    // What asks for the first row of an index in its order reads that row.
    const step = name === "nextDueAt" ? "SCAN" : "SEARCH";
    const pattern = new RegExp(`^${step} spawn_message USING INDEX `);
    expect(planOf(query)).toEqual([expect.stringMatching(pattern)]);
  });
});
