/** SQLite files, for tests that are the same on a database with a server. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestDatabase, TestDatabaseServer } from "./test-database.ts";

/** @param directory where the files are; the test removes it */
export function sqliteFiles(directory: string): TestDatabase {
  const server: TestDatabaseServer = {
    createPlace: async () => `sqlite:${join(mkdtempSync(join(directory, "file-")), "state.db")}`,
    async emptyPlace(url) {
      const place = dirname(url.replace(/^sqlite:/, ""));
      for (const file of readdirSync(place)) rmSync(join(place, file));
    },
    kill: async () => undefined,
    restart: async () => undefined,
    stop: async () => undefined,
  };
  return { name: "sqlite", missing: undefined, start: async () => server };
}
