/** A system as a stream: everything that a statestore keeps of it, as it is at one moment. */
import { createHash, randomUUID } from "node:crypto";
import { systemClock } from "../../engine/clock.ts";
import { checkName } from "../../engine/actor-id.ts";
import { messageOf, SpawnError } from "../../engine/errors.ts";
import { checkStatestore } from "../../engine/given-statestore.ts";
import { checkWorkOptions } from "../../engine/option-names.ts";
import { isSealed, unreadable } from "../../engine/sealed-rows.ts";
import type { Statestore } from "../../engine/statestore.ts";
import {
  checkImported,
  type FoundRow,
  lostActor,
  type SystemRow,
  valueOfRow,
} from "../../engine/system-rows.ts";
import { damageOf, describeRow, type UnreadableRow } from "../../engine/unreadable-rows.ts";
import { isEncrypted } from "../encrypted/encrypted-statestore.ts";
import { askPatiently } from "../../engine/asked-store.ts";
import { translated } from "./failures.ts";
import { base64, lineOfRow, lineProblem } from "./row-lines.ts";
import { countRows, FORMAT, FORMAT_VERSION, NO_ROWS, type RowCounts } from "./stream-format.ts";
import { openForTransfer } from "./open-for-transfer.ts";

/** How a system is exported. */
export interface ExportOptions {
  /**
   * Write everything in clear text, for a statestore without these keys. Default `false`: what is
   * encrypted stays as it is, and can only be imported where its keys are known.
   */
  readonly inClear?: boolean | undefined;
  /** Export a system of which there is nothing. Default `false`: its name is taken for a wrong one. */
  readonly allowEmpty?: boolean | undefined;
  /**
   * Called for each row that cannot be read and has to be, and then the export goes on: an actor comes
   * without its state, so that it still refuses all calls but a restore or delete where it is imported;
   * a revision, an index entry, a stored reply or a message is left out. Default: such a row ends the export.
   */
  readonly onUnreadable?: ((unreadable: UnreadableRow) => void) | undefined;
  /** Called after every part, which has some hundred rows. */
  readonly onProgress?: ((progress: ExportProgress) => void) | undefined;
  /** Ends it early: the stream fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const OPTION_NAMES = ["inClear", "allowEmpty", "onUnreadable", "onProgress", "signal"] as const;

/** @throws {SpawnError} `INVALID_ARGUMENT` for an option that there is not */
export function checkExportOptions(what: string, options: ExportOptions): void {
  checkWorkOptions(what, options, OPTION_NAMES);
}

/** How far an export has come. */
export interface ExportProgress {
  /** Rows so far, by kind. */
  readonly rows: RowCounts;
  /** Rows so far that cannot be read, and so are not in it, or without their state. */
  readonly unreadable: number;
  /** Bytes so far. */
  readonly bytes: number;
}

/**
 * Everything that a statestore keeps of a system, as a stream for {@link importSystem}. It is opened
 * for that and closed at the end, so a SQLite file must not be in use: for a system that runs there is
 * `system.export()`.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE`, also when only a part of the system was imported there;
 * `STATE_CORRUPT`, with its name, when a row cannot be read, unless there is `onUnreadable`;
 * `INVALID_ARGUMENT` when there is nothing of the system
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
  { inClear = false, allowEmpty = true, onUnreadable, onProgress, signal }: ExportOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const keys = inClear ? [] : await keysOf(store, signal);
  const carrying = { store, keys, inClear, signal };
  const writer = new StreamWriter();
  let isBegun = false;
  try {
    for await (const part of store.systems.read(system)) {
      // Not before the first rows, with which the moment is there.
      if (!isBegun) yield writer.head(system, keys);
      isBegun = true;
      signal?.throwIfAborted();
      const rows: SystemRow[] = [];
      for (const row of part) {
        const opened = inClear && isEncrypted(store) ? store.openRow(row) : row;
        const problem = await problemOf(opened, carrying);
        if (problem === undefined) {
          rows.push(opened as SystemRow);
          continue;
        }
        if (onUnreadable === undefined) throw endedBy(problem);
        writer.missed();
        onUnreadable(problem);
        if (opened.kind === "state") rows.push(...withoutState(opened));
      }
      if (rows.length > 0) yield writer.part(rows);
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

function endedBy({ reason }: UnreadableRow): SpawnError {
  return new SpawnError(
    "STATE_CORRUPT",
    `${reason}; expected that it is repaired, restored or deleted first, or the option onUnreadable, with which the export goes on without it`,
  );
}

/** How rows are carried. */
interface Carrying {
  readonly store: Statestore;
  /** Whoever imports the stream learns from its head what keys it takes. */
  readonly keys: HeadKeys;
  readonly inClear: boolean;
  readonly signal: AbortSignal | undefined;
}

type HeadKeys = readonly { readonly keyId: string; readonly proof: string }[];

async function keysOf(store: Statestore, signal: AbortSignal | undefined): Promise<HeadKeys> {
  const what = "the keys of the statestore cannot be read";
  const around = { what, clock: systemClock, signal };
  const keys = await askPatiently(around, () => store.sealed.listKeys());
  return keys.map(({ keyId, proof }) => ({ keyId, proof: base64(proof) }));
}

/**
 * Why the row cannot be carried as it is: it is damaged, sealed and has to be in clear, or sealed with a key that
 * there never was.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE` for a row with a key that came into use since the export began
 */
async function problemOf(row: FoundRow, to: Carrying): Promise<UnreadableRow | undefined> {
  if (row.kind === "damaged") return damageOf(row);
  const what = describeRow(row);
  const problem = (row.kind === "state" ? row.stored.problem : undefined) ?? lineProblem(row);
  if (problem !== undefined) return { what, reason: `${what} is damaged: ${problem}` };
  const value = valueOfRow(row);
  if (!isSealed(value)) return undefined;
  if (to.inClear) return { what, reason: messageOf(unreadable(what, value)) };
  const isIt = ({ keyId }: HeadKeys[number]): boolean => keyId === value.keyId;
  if (to.keys.some(isIt)) return undefined;
  if (!(await keysOf(to.store, to.signal)).some(isIt)) {
    const reason = `${what} is encrypted with "${value.keyId}", a key that the statestore does not know`;
    return { what, reason };
  }
  throw new SpawnError(
    "STATESTORE_UNAVAILABLE",
    `${what} is encrypted with "${value.keyId}", which came into use when the export began: export again`,
  );
}

/** The actor is there, and nobody takes it for a new one, unless it has no name that anybody could call. */
function withoutState(row: SystemRow & { readonly kind: "state" }): readonly SystemRow[] {
  const { revision } = row.stored;
  const lost = lostActor(Number.isSafeInteger(revision) ? revision : 1, "");
  return [row.stored, lost]
    .map((stored) => ({ ...row, stored: { ...stored, state: undefined, problem: undefined } }))
    .filter((carried) => lineProblem(carried) === undefined)
    .slice(0, 1);
}

class StreamWriter {
  readonly #hash = createHash("sha256");
  progress: ExportProgress = { rows: NO_ROWS, unreadable: 0, bytes: 0 };

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

  missed(): void {
    this.progress = { ...this.progress, unreadable: this.progress.unreadable + 1 };
  }

  end(): Uint8Array {
    const { rows, unreadable: missed } = this.progress;
    const counts = missed === 0 ? { rows } : { rows, unreadable: missed };
    return this.#write([JSON.stringify({ end: { ...counts, sha256: this.#digest() } })]);
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
