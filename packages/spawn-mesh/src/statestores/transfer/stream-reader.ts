/** An export as it is read: part by part, each checked before anybody sees it. */
import { createHash, type Hash } from "node:crypto";
import { isSpawnError, SpawnError } from "../../engine/errors.ts";
import { isSealed } from "../../engine/sealed-rows.ts";
import { systemOf, type SystemRow, valueOfRow } from "../../engine/system-rows.ts";
import { describeRow } from "../../engine/unreadable-rows.ts";
import { rowOfLine } from "./row-lines.ts";
import {
  countRows,
  type EndLine,
  FORMAT,
  FORMAT_VERSION,
  NO_ROWS,
  type PartLine,
  type RowCounts,
  type StreamHead,
} from "./stream-format.ts";
import { type ByteStream, linesOf } from "./stream-lines.ts";

/** A part of an export that is as it was written. */
export interface CheckedPart {
  readonly head: StreamHead;
  readonly rows: readonly SystemRow[];
  /** How many there are up to here. */
  readonly counts: RowCounts;
  readonly bytes: number;
  /** How many values the export could not read; known when all has come. */
  readonly unreadable: number;
  /** Whether the stream is whole, but for what might be behind its end. */
  readonly isLast: boolean;
}

/**
 * The parts of an export; the last one has no rows. When all have come, the stream was whole.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` when it is no export, of a newer version, damaged, or cut off
 */
export async function* readParts(stream: ByteStream): AsyncGenerator<CheckedPart, void, undefined> {
  const reader = new StreamReader();
  for await (const line of linesOf(stream)) {
    const part = reader.take(line);
    if (part !== undefined) yield part;
  }
  reader.checkEnd();
}

class StreamReader {
  readonly #hash: Hash = createHash("sha256");
  #head: StreamHead | undefined;
  #rows: SystemRow[] = [];
  #counts: RowCounts = NO_ROWS;
  #bytes = 0;
  #lines = 0;
  #unreadable = 0;
  #hasEnded = false;

  take(bytes: Buffer): CheckedPart | undefined {
    this.#lines++;
    try {
      return this.#take(bytes);
    } catch (error) {
      if (isSpawnError(error)) throw error;
      // Lines are looked at before their digest is known.
      throw this.#damaged("that is nothing of an export", error);
    }
  }

  #take(bytes: Buffer): CheckedPart | undefined {
    if (this.#hasEnded) throw this.#damaged("there is something behind its last line");
    const line = this.#parse(bytes);
    this.#bytes += bytes.length;
    if (this.#head === undefined) this.#head = headOf(line);
    else if ("part" in line) return this.#endPart(line as PartLine, bytes);
    else if ("end" in line) return this.#end(line as EndLine, bytes);
    else this.#rows.push(this.#rowOf(line, this.#head));
    this.#hash.update(bytes);
    return undefined;
  }

  checkEnd(): void {
    if (this.#hasEnded) return;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      this.#lines === 0
        ? "the stream is empty: expected an export"
        : `the export is cut off after ${this.#bytes} bytes: expected its last line`,
    );
  }

  #endPart({ part }: PartLine, bytes: Buffer): CheckedPart {
    this.#check(part?.sha256);
    if (part.rows !== this.#rows.length) throw this.#damaged("a part has lost rows");
    this.#hash.update(bytes);
    const rows = this.#rows;
    this.#rows = [];
    this.#counts = countRows(this.#counts, rows);
    return this.#part(rows);
  }

  #end({ end }: EndLine, bytes: Buffer): CheckedPart {
    this.#check(end?.sha256);
    const kinds = Object.keys(NO_ROWS) as (keyof RowCounts)[];
    const areAll = kinds.every((kind) => end.rows?.[kind] === this.#counts[kind]);
    if (!areAll || this.#rows.length > 0) throw this.#damaged("it has lost rows");
    if (bytes.at(-1) !== 0x0a) throw this.#damaged("its last line is cut off");
    this.#hasEnded = true;
    this.#unreadable = end.unreadable ?? 0;
    return this.#part([]);
  }

  #part(rows: readonly SystemRow[]): CheckedPart {
    return {
      head: this.#head!,
      rows,
      counts: this.#counts,
      bytes: this.#bytes,
      unreadable: this.#unreadable,
      isLast: this.#hasEnded,
    };
  }

  #check(sha256: unknown): void {
    if (sha256 === this.#hash.copy().digest("hex")) return;
    throw this.#damaged("the digest of what is before it is another one");
  }

  #parse(bytes: Buffer): object {
    let line: unknown;
    try {
      line = JSON.parse(bytes.toString());
    } catch (cause) {
      // A line that is cut off is the last one.
      if (bytes.at(-1) === 0x0a) throw this.#damaged("that is no JSON", cause);
    }
    return typeof line === "object" && line !== null ? line : {};
  }

  #rowOf(line: object, { system, keys }: StreamHead): SystemRow {
    const row = rowOfLine(line);
    if (row === undefined) throw this.#damaged("that is no row");
    if (ownerOf(row) !== system) throw this.#damaged(`a row of another system than ${system}`);
    const value = valueOfRow(row);
    if (isSealed(value) && !keys.some(({ keyId }) => keyId === value.keyId)) {
      throw this.#damaged(`${describeRow(row)} has a key that the first line does not name`);
    }
    return row;
  }

  #damaged(what: string, cause?: unknown): SpawnError {
    const message = `the export is damaged at line ${this.#lines}: ${what}`;
    return new SpawnError("INVALID_ARGUMENT", message, { cause });
  }
}

/** The system that a row belongs to. */
function ownerOf(row: SystemRow): string {
  return row.kind === "message" || row.kind === "parked" ? systemOf(row.stored) : row.actor.system;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
function headOf(line: object): StreamHead {
  const head = line as Partial<StreamHead>;
  if (head.format !== FORMAT) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `the stream is no export of an actor system: expected a first line with the format "${FORMAT}"`,
    );
  }
  if (head.version !== FORMAT_VERSION) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `the export has version ${String(head.version)} of the format, this program knows ${FORMAT_VERSION}: use a newer version of spawn-mesh`,
    );
  }
  const isWhole =
    typeof head.system === "string" && typeof head.id === "string" && Array.isArray(head.keys);
  if (!isWhole) throw new SpawnError("INVALID_ARGUMENT", "the first line of the export is damaged");
  return head as StreamHead;
}
