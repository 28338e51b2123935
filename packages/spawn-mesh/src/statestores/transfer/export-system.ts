/** A system as a stream: everything that a statestore keeps of it, as it is at one moment. */
import { createHash, randomUUID } from "node:crypto";
import { systemClock } from "../../engine/clock.ts";
import { checkName } from "../../engine/actor-id.ts";
import { SpawnError } from "../../engine/errors.ts";
import { checkStatestore } from "../../engine/given-statestore.ts";
import { checkWorkOptions } from "../../engine/option-names.ts";
import { isSealed, unreadable } from "../../engine/sealed-rows.ts";
import type { Statestore } from "../../engine/statestore.ts";
import { checkImported, type SystemRow, valueOfRow } from "../../engine/system-rows.ts";
import { isEncrypted } from "../encrypted/encrypted-statestore.ts";
import { askPatiently } from "../../engine/asked-store.ts";
import { translated, describeRow } from "./failures.ts";
import { base64, lineOfRow } from "./row-lines.ts";
import { countRows, FORMAT, FORMAT_VERSION, NO_ROWS, type RowCounts } from "./stream-format.ts";
import { openForTransfer } from "./open-for-transfer.ts";

export interface ExportOptions {
  /**
   * Write everything in clear text, for a statestore without these keys. Default `false`: what is
   * encrypted stays as it is, and can only be imported where its keys are known.
   */
  readonly inClear?: boolean;
  /** Export a system of which there is nothing. Default `false`: its name is taken for a wrong one. */
  readonly allowEmpty?: boolean;
  /** Called after every part, which has some hundred rows. */
  readonly onProgress?: (progress: ExportProgress) => void;
  /** Ends it early: the stream fails with the signal's reason. */
  readonly signal?: AbortSignal;
}

const OPTION_NAMES = ["inClear", "allowEmpty", "onProgress", "signal"] as const;

/** @throws {SpawnError} `INVALID_ARGUMENT` for an option that there is not */
export function checkExportOptions(what: string, options: ExportOptions): void {
  checkWorkOptions(what, options, OPTION_NAMES);
}

export interface ExportProgress {
  /** Rows so far, by kind. */
  readonly rows: RowCounts;
  /** Bytes so far. */
  readonly bytes: number;
}

/**
 * Everything that a statestore keeps of a system, as a stream for {@link importSystem}. It is opened
 * for that and closed at the end, so a SQLite file must not be in use: for a system that runs there is
 * `system.export()`.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE`, also when only a part of the system was imported there;
 * `STATE_CORRUPT` when a row is damaged, or cannot be
 * decrypted and has to be; `INVALID_ARGUMENT` when there is nothing of the system
 */
export async function* exportSystem(
  store: Statestore,
  system: string,
  options: ExportOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  checkExportOptions("exportSystem", options);
  checkStatestore("exportSystem", store);
  checkName("system", system);
  await openForTransfer(store, "export");
  try {
    await checkImported(system, store);
    yield* exportFrom(store, system, { ...options, allowEmpty: options.allowEmpty ?? false });
  } finally {
    await store.close();
  }
}

/** The same from a statestore that is open; a system that works may have nothing yet. */
export async function* exportFrom(
  store: Statestore,
  system: string,
  { inClear = false, allowEmpty = true, onProgress, signal }: ExportOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const keys = inClear ? [] : await keysOf(store, signal);
  const writer = new StreamWriter();
  let isBegun = false;
  try {
    for await (const part of store.systems.read(system)) {
      // Not before the first rows, with which the moment is there.
      if (!isBegun) yield writer.head(system, keys);
      isBegun = true;
      signal?.throwIfAborted();
      if (!inClear) checkKeys(part, keys);
      yield writer.part(inClear ? part.map((row) => openedRow(store, row)) : part);
      onProgress?.(writer.progress);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw translated(`${system} cannot be exported`, error);
  }
  if (!isBegun && !allowEmpty) throw nothingOf(system);
  if (!isBegun) yield writer.head(system, keys);
  yield writer.end();
}

function nothingOf(system: string): SpawnError {
  return new SpawnError(
    "INVALID_ARGUMENT",
    `the statestore has nothing of ${JSON.stringify(system)}: expected the name of a system that it keeps, or the option allowEmpty`,
  );
}

/**
 * Whoever imports the stream learns from its head what keys it takes.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE` for a row with a key that came into use since
 */
function checkKeys(rows: readonly SystemRow[], keys: HeadKeys): void {
  for (const row of rows) {
    const value = valueOfRow(row);
    if (!isSealed(value) || keys.some(({ keyId }) => keyId === value.keyId)) continue;
    throw new SpawnError(
      "STATESTORE_UNAVAILABLE",
      `${describeRow(row)} is encrypted with "${value.keyId}", which came into use when the export began: export again`,
    );
  }
}

type HeadKeys = readonly { readonly keyId: string; readonly proof: string }[];

async function keysOf(store: Statestore, signal: AbortSignal | undefined): Promise<HeadKeys> {
  const what = "the keys of the statestore cannot be read";
  const around = { what, clock: systemClock, signal };
  const keys = await askPatiently(around, () => store.sealed.listKeys());
  return keys.map(({ keyId, proof }) => ({ keyId, proof: base64(proof) }));
}

/** @throws {SpawnError} `STATE_CORRUPT` when it cannot be opened */
function openedRow(store: Statestore, row: SystemRow): SystemRow {
  const opened = isEncrypted(store) ? store.openRow(row) : row;
  const value = valueOfRow(opened);
  if (isSealed(value)) throw unreadable(describeRow(row), value);
  return opened;
}

class StreamWriter {
  readonly #hash = createHash("sha256");
  progress: ExportProgress = { rows: NO_ROWS, bytes: 0 };

  head(system: string, keys: HeadKeys): Uint8Array {
    const id = randomUUID();
    const at = systemClock.wall();
    return this.#write([
      JSON.stringify({ format: FORMAT, version: FORMAT_VERSION, system, id, at, keys }),
    ]);
  }

  part(rows: readonly SystemRow[]): Uint8Array {
    this.progress = { ...this.progress, rows: countRows(this.progress.rows, rows) };
    const body = this.#write(rows.map(lineOfRow));
    const end = this.#write([
      JSON.stringify({ part: { rows: rows.length, sha256: this.#digest() } }),
    ]);
    return Buffer.concat([body, end]);
  }

  end(): Uint8Array {
    const { rows } = this.progress;
    return this.#write([JSON.stringify({ end: { rows, sha256: this.#digest() } })]);
  }

  #digest(): string {
    return this.#hash.copy().digest("hex");
  }

  #write(lines: readonly string[]): Uint8Array {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    this.#hash.update(bytes);
    this.progress = { ...this.progress, bytes: this.progress.bytes + bytes.length };
    return bytes;
  }
}
