/** SQLite files, for tests that are the same on a database with a server. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { TestDatabase } from "./test-database.ts";

/** @param directory where the files are; the test removes it */
export function sqliteFiles(directory: string): TestDatabase {
  const server = {
    createPlace: async () => `sqlite:${join(mkdtempSync(join(directory, "file-")), "state.db")}`,
    kill: async () => undefined,
    restart: async () => undefined,
    stop: async () => undefined,
  };
  return { name: "sqlite", missing: undefined, start: async () => server };
}
