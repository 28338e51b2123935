import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Below bench/, because it must be on a real disk: the durable workloads sync. */
const DATA = process.env["BENCH_DATA"] ?? join(import.meta.dirname, "..", "data");

/** A new folder for the files of one run, deleted when the process ends. */
export function dataFolder(label: string): string {
  mkdirSync(DATA, { recursive: true });
  const folder = mkdtempSync(join(DATA, `${label}-`));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
