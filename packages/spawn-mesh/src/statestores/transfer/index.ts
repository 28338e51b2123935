/** Carries an actor system from one statestore to another, as a stream. See docs/guides/transfer.md. */
export { exportSystem } from "./export-system.ts";
export type { UnreadableRow } from "../../engine/unreadable-rows.ts";
export type { ExportOptions, ExportProgress } from "./export-system.ts";
export { importSystem } from "./import-system.ts";
export type { ImportedSystem, ImportOptions, ImportProgress } from "./import-system.ts";
export type { RowCounts } from "./stream-format.ts";
export type { ByteStream } from "./stream-lines.ts";
