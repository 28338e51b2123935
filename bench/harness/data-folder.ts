import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Below bench/, because it must be on a real disk: the durable workloads sync. */
const DATA = process.env["BENCH_DATA"] ?? join(import.meta.dirname, "..", "data");

/** Where the folders of runs are. */
export function dataDirectory(): string {
  mkdirSync(DATA, { recursive: true });
  return DATA;
}

/** A new folder for the files of one run, deleted when the process ends. */
export function dataFolder(label: string): string {
  const folder = mkdtempSync(join(dataDirectory(), `${label}-`));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
