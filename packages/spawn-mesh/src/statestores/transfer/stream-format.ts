/**
 * The lines around the rows. A stream is a head, parts and an end, each line a JSON object:
 *
 *     {"format":"spawn-mesh system","version":1,"system":"shop","id":…,"at":…,"keys":[…]}
 *     {"kind":"state","actor":…,"stored":…}           rows, as many as the part has
 *     {"part":{"rows":512,"sha256":"…"}}              of all bytes before this line
 *     …
 *     {"end":{"rows":{"state":…,…},"sha256":"…"}}     of all bytes before this line
 *
 * So nothing of a part is used before all of it is known to be as it was written, and a stream
 * without its end is known to be cut off.
 */
import type { FoundRow, SystemRow } from "../../engine/system-rows.ts";

export const FORMAT = "spawn-mesh system";
/** Raised when a program that knows the version before would misread what is written. */
export const FORMAT_VERSION = 1;

export interface StreamHead {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly system: string;
  /** Tells one export from all others. */
  readonly id: string;
  /** When it was made: milliseconds since 1970. */
  readonly at: number;
  /** The proofs of the keys that values are sealed with, in base64. */
  readonly keys: readonly { readonly keyId: string; readonly proof: string }[];
}

/** How many rows there are of each kind. */
export type RowCounts = Readonly<Record<SystemRow["kind"], number>>;

export const NO_ROWS: RowCounts = {
  state: 0,
  revision: 0,
  index: 0,
  reply: 0,
  message: 0,
  parked: 0,
};

export interface PartLine {
  readonly part: { readonly rows: number; readonly sha256: string };
}

export interface EndLine {
  readonly end: {
    readonly rows: RowCounts;
    /** How many values could not be read, and so are not in it, if there were any. */
    readonly unreadable?: number;
    readonly sha256: string;
  };
}

/** Damaged rows are none of what was exported. */
export function countRows(counts: RowCounts, rows: readonly FoundRow[]): RowCounts {
  const next: Record<SystemRow["kind"], number> = { ...counts };
  for (const { kind } of rows) if (kind !== "damaged") next[kind]++;
  return next;
}
