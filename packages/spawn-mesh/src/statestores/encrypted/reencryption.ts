/**
 * Everything under the active key, a few rows at a time beside all that goes on.
 *
 * Rows move while they are walked through: a state becomes a revision, a message is parked. So the
 * walk is done again until one finds nothing left to do; then no row has another key, and the keys
 * that are not active are forgotten by the statestore.
 */
import { askPatiently } from "../../engine/asked-store.ts";
import { sleep, systemClock } from "../../engine/clock.ts";
import type { Clock } from "../../engine/clock.ts";
import { messageOf } from "../../engine/errors.ts";
import { checkWorkOptions } from "../../engine/option-names.ts";
import {
  errorOf,
  isSealed,
  keyOfError,
  sealableValue,
  unreadable,
} from "../../engine/sealed-rows.ts";
import type { Rewrite, ScannedRows, SealableRow, SealedRows } from "../../engine/sealed-rows.ts";
import { damageOf, describeRow, type UnreadableRow } from "../../engine/unreadable-rows.ts";
import type { Sealing } from "./sealing.ts";

/** How rows are encrypted anew. */
export interface ReencryptionOptions {
  /** The most rows that are encrypted in a second; ten times as many are looked at. Default 2000. */
  readonly rowsPerSecondMax?: number | undefined;
  /** Called after every part, some fifty times a second at the default pace. */
  readonly onProgress?: ((progress: ReencryptionProgress) => void) | undefined;
  /** Ends it early; it rejects with the signal's reason, and what was done stays. */
  readonly signal?: AbortSignal | undefined;
  /** Time, for tests. Default: the real clock. */
  readonly clock?: Clock | undefined;
}

/** How far that has come. */
export interface ReencryptionProgress {
  /** How often it has begun at the first row, from 1. The last pass finds nothing to do. */
  readonly pass: number;
  /** Rows that this pass has looked at. */
  readonly seen: number;
  /** Rows that were encrypted with the active key, in all passes. */
  readonly rewritten: number;
  /** Rows of this pass that no key opens, or that are damaged; they stay as they are. */
  readonly unreadable: number;
}

/** What was done in the end. */
export interface Reencryption extends ReencryptionProgress {
  /** The key that now encrypts everything that can be read. */
  readonly keyId: string;
  /** Whether nothing under another key is left, so that the other keys may go. */
  readonly isComplete: boolean;
  /** The other keys that the last pass has found rows of: they are still needed, also for what is unreadable. */
  readonly keysInUse: readonly string[];
  /** The first 100 of the unreadable rows, and why they are. */
  readonly failures: readonly UnreadableRow[];
}

const OPTION_NAMES = ["rowsPerSecondMax", "onProgress", "signal", "clock"] as const;
const ROWS_PER_SECOND_MAX = 2000;
/** Small, since calls wait while a part is encrypted. */
const PART_ROWS = 40;
/** Looking at a row is so much cheaper than encrypting it. */
const LOOKS_PER_REWRITE = 10;
/** Only somebody who goes on writing with another key can keep it busy for so long. */
const PASSES_MAX = 10;
/** How many unreadable rows are told one by one. */
const FAILURES_MAX = 100;

export async function reencrypt(
  sealed: SealedRows,
  sealing: Sealing,
  options: ReencryptionOptions,
): Promise<Reencryption> {
  checkWorkOptions("reencrypt", options, OPTION_NAMES);
  const { rowsPerSecondMax = ROWS_PER_SECOND_MAX } = options;
  const { activeId } = sealing.keyring;
  const walk = new Walk({ ...options, sealed, sealing, rowsPerSecondMax });
  let isClean = false;
  while (!isClean && walk.progress.pass < PASSES_MAX) isClean = await walk.pass();
  const isComplete = isClean && walk.progress.unreadable === 0;
  if (isComplete) await walk.forgetKeys();
  const { keysInUse, failures } = walk;
  return { ...walk.progress, keyId: activeId, isComplete, keysInUse: [...keysInUse], failures };
}

interface WalkParts extends ReencryptionOptions {
  readonly sealed: SealedRows;
  readonly sealing: Sealing;
  readonly rowsPerSecondMax: number;
}

class Walk {
  readonly #parts: WalkParts;
  readonly #clock: Clock;
  progress: ReencryptionProgress = { pass: 0, seen: 0, rewritten: 0, unreadable: 0 };
  /** The other keys of this pass's rows. */
  readonly keysInUse = new Set<string>();
  failures: UnreadableRow[] = [];

  constructor(parts: WalkParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
  }

  /** Goes through all rows once; answers whether there was nothing to do. */
  async pass(): Promise<boolean> {
    const { sealed, sealing, onProgress } = this.#parts;
    const keyId = sealing.keyring.activeId;
    this.progress = { ...this.progress, pass: this.progress.pass + 1, seen: 0, unreadable: 0 };
    this.keysInUse.clear();
    this.failures = [];
    let isClean = true;
    let after: string | undefined;
    do {
      const beganAt = this.#clock.monotonic();
      const part = await this.#ask(() =>
        sealed.scan({ keyId, after, limit: this.#partRows(isClean) }),
      );
      const rewrites = this.#resealed(part);
      const rewritten = rewrites.length === 0 ? 0 : await this.#ask(() => sealed.rewrite(rewrites));
      if (rewrites.length > 0) isClean = false;
      const found = part.rows.length + part.damaged.length;
      this.#count(part.seen, rewritten, found - rewrites.length);
      onProgress?.(this.progress);
      after = part.after;
      await this.#pause(beganAt, rewrites.length + part.seen / LOOKS_PER_REWRITE);
    } while (after !== undefined);
    return isClean;
  }

  /** All rows are encrypted with the active key. */
  async forgetKeys(): Promise<void> {
    const { sealed, sealing } = this.#parts;
    for (const { keyId } of await this.#ask(() => sealed.listKeys())) {
      if (keyId !== sealing.keyring.activeId) await this.#ask(() => sealed.removeKey(keyId));
    }
  }

  /** The rows under the active key; takes note of those that cannot be, and of the keys that they have. */
  #resealed({ rows, damaged }: ScannedRows): readonly Rewrite[] {
    for (const row of damaged) {
      if (row.keyId !== undefined) this.keysInUse.add(row.keyId);
      this.#fail(damageOf(row));
    }
    return rows.flatMap((row): readonly Rewrite[] => {
      this.#addKeys(row);
      const by = this.#parts.sealing.reseal(row);
      if ("kind" in by) return [{ row, by }];
      const what = describeRow(row);
      this.#fail({ what, reason: messageOf(unreadable(what, by)) });
      return [];
    });
  }

  #addKeys(row: SealableRow): void {
    const value = sealableValue(row);
    if (isSealed(value)) this.keysInUse.add(value.keyId);
    const ofError = keyOfError(errorOf(row) ?? "");
    if (ofError !== undefined) this.keysInUse.add(ofError);
    // It may be found for something else that is sealed with another key, or not at all.
    this.keysInUse.delete(this.#parts.sealing.keyring.activeId);
  }

  #fail(row: UnreadableRow): void {
    if (this.failures.length < FAILURES_MAX) this.failures.push(row);
  }

  #partRows(isClean: boolean): number {
    return isClean && this.progress.pass > 1 ? PART_ROWS * LOOKS_PER_REWRITE : PART_ROWS;
  }

  #count(seen: number, rewritten: number, unreadable: number): void {
    const { progress } = this;
    this.progress = {
      pass: progress.pass,
      seen: progress.seen + seen,
      rewritten: progress.rewritten + rewritten,
      unreadable: progress.unreadable + unreadable,
    };
  }

  async #pause(beganAt: number, rows: number): Promise<void> {
    const { rowsPerSecondMax, signal } = this.#parts;
    const endsAt = beganAt + (rows * 1000) / rowsPerSecondMax;
    await sleep(this.#clock, Math.max(0, endsAt - this.#clock.monotonic()), signal);
  }

  /** Every call may be repeated: done twice it is done once. */
  #ask<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const what = "the rows cannot be encrypted anew";
    return askPatiently({ clock: this.#clock, signal: this.#parts.signal, what }, call);
  }
}
