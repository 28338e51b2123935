/**
 * A stream of {@link exportSystem} into a statestore.
 *
 * A mark in the statestore says how far that has come. As long as it does not say `finished`, no actor
 * system of that name starts there; so half an import is never taken for a whole one. An import that
 * ended early is run again from the start of its stream: what is there already is left as it is.
 */
import { checkClusterName, checkName } from "../../engine/actor-id.ts";
import { systemClock } from "../../engine/clock.ts";
import { SpawnError } from "../../engine/errors.ts";
import { checkStatestore } from "../../engine/given-statestore.ts";
import { checkWorkOptions } from "../../engine/option-names.ts";
import { checkEncryption, type KeyProof } from "../../engine/sealed-rows.ts";
import type { Statestore } from "../../engine/statestore.ts";
import type { ImportMark, SystemRow } from "../../engine/system-rows.ts";
import { type EncryptedStatestore, isEncrypted } from "../encrypted/encrypted-statestore.ts";
import { askPatiently } from "../../engine/asked-store.ts";
import { translated } from "./failures.ts";
import { openForTransfer } from "./open-for-transfer.ts";
import { countRows, NO_ROWS, type RowCounts, type StreamHead } from "./stream-format.ts";
import type { ByteStream } from "./stream-lines.ts";
import { type CheckedPart, readParts } from "./stream-reader.ts";

/** Into what a stream is imported, and how. */
export interface ImportOptions {
  /** Which system the stream has to be of. */
  readonly system: string;
  /**
   * The cluster that the processes of the system will belong to. A statestore that serves the system of
   * another one, or of any when this is left out, refuses the import. Default: none.
   */
  readonly cluster?: string | undefined;
  /** Removes first what the statestore has of that system. Default `false`: then it must have nothing. */
  readonly replace?: boolean | undefined;
  /** Called after every part, which is a megabyte of the stream or more. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Ends it early; it rejects with the signal's reason, and can be run again. */
  readonly signal?: AbortSignal | undefined;
}

/** How far an import has come. */
export interface ImportProgress {
  /** Rows so far, by kind. */
  readonly rows: RowCounts;
  /** Bytes of the stream so far. */
  readonly bytes: number;
}

/** What was imported. */
export interface ImportedSystem extends ImportProgress {
  /** Which export it is. */
  readonly id: string;
  /**
   * How many values the export could not read (`onUnreadable`), and so are not there: states, without
   * which an actor is refused until it is restored or deleted, revisions, index entries, replies and messages.
   */
  readonly unreadable: number;
  /** Whether this export was imported before: then nothing was changed. */
  readonly wasThere: boolean;
}

/**
 * Puts everything of an exported system into a statestore, which is opened for that and closed at the
 * end. No process may run that system there. The same stream can be imported again: what was not
 * finished is, and what was is left alone.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` when the stream is no export of that system, is damaged or
 * cut off; when the statestore has something of the system already, or lacks its keys;
 * `STATESTORE_UNAVAILABLE`
 */
export async function importSystem(
  store: Statestore,
  stream: ByteStream,
  options: ImportOptions,
): Promise<ImportedSystem> {
  checkWorkOptions("importSystem", options, OPTION_NAMES);
  checkStatestore("importSystem", store);
  const { system, cluster } = options;
  checkName("system", system);
  if (cluster !== undefined) checkClusterName(cluster);
  checkEncryption(system, store);
  const parts = readParts(stream);
  try {
    // A stream that is no export is refused before the statestore is touched.
    const { value: first } = await parts.next();
    await openForTransfer(store, "import", { system, cluster });
    try {
      return await new Import(store, options).run(first!, parts);
    } finally {
      await store.close();
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    throw translated(`${system} cannot be imported`, error);
  } finally {
    await parts.return();
  }
}

const OPTION_NAMES = ["system", "cluster", "replace", "onProgress", "signal"] as const;
/** So many bytes of the stream are stored at once, and the part that makes them so many. */
const ADD_BYTES = 1024 * 1024;

class Import {
  readonly #store: Statestore;
  readonly #system: string;
  readonly #options: ImportOptions;
  #wasThere = false;
  /** Rows that are checked and not stored yet. */
  #waiting: SystemRow[] = [];
  #progress: ImportProgress = { rows: NO_ROWS, bytes: 0 };
  #unreadable = 0;

  constructor(store: Statestore, options: ImportOptions) {
    this.#store = store;
    this.#system = options.system;
    this.#options = options;
  }

  async run(first: CheckedPart, others: AsyncIterable<CheckedPart>): Promise<ImportedSystem> {
    await this.#begin(first.head);
    await this.#take(first);
    for await (const part of others) await this.#take(part);
    const imported = {
      id: first.head.id,
      ...this.#progress,
      unreadable: this.#unreadable,
      wasThere: this.#wasThere,
    };
    if (!this.#wasThere) await this.#finish(imported);
    return imported;
  }

  async #take({ rows, counts, bytes, unreadable, isLast }: CheckedPart): Promise<void> {
    this.#options.signal?.throwIfAborted();
    this.#waiting.push(...rows);
    if (!isLast && bytes - this.#progress.bytes < ADD_BYTES) return;
    await this.#add(this.#waiting);
    this.#waiting = [];
    this.#progress = { rows: counts, bytes };
    this.#unreadable = unreadable;
    this.#options.onProgress?.(this.#progress);
  }

  async #add(rows: readonly SystemRow[]): Promise<void> {
    if (this.#wasThere || rows.length === 0) return;
    await this.#ask(() => this.#store.systems.add(rows));
  }

  /** The first part is known to be whole; nothing was changed so far. */
  async #begin(head: StreamHead): Promise<void> {
    if (head.system !== this.#system) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the export is of the system ${head.system}, expected one of ${this.#system}`,
      );
    }
    const keyed = this.#keyed(head);
    const proofs = proofsOf(head);
    keyed?.checkKeys(proofs);
    const mark = await this.#ask(() => this.#store.systems.readMark(this.#system));
    if (mark?.id === head.id && mark.phase === "finished" && this.#options.replace !== true) {
      this.#wasThere = true;
      return;
    }
    const isContinued = mark?.id === head.id && mark.phase === "adding";
    if (!isContinued) await this.#makeRoom(head.id, mark);
    // No sooner: a statestore is not opened again without all keys that it knows, so one that refuses takes none in.
    if (keyed !== undefined) await this.#ask(() => keyed.admitKeys(proofs));
    await this.#mark({ id: head.id, phase: "adding" });
  }

  /** The statestore as what has keys, if the stream has any. @throws {SpawnError} `INVALID_ARGUMENT` when it has none */
  #keyed({ keys }: StreamHead): EncryptedStatestore | undefined {
    if (keys.length === 0) return undefined;
    if (!isEncrypted(this.#store)) {
      const names = keys.map(({ keyId }) => `"${keyId}"`).join(", ");
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the export is encrypted with ${names}: expected encryptedStatestore(…) with these keys, got a statestore without; or export it with inClear`,
      );
    }
    return this.#store;
  }

  /** Sees to it that there is nothing of the system. */
  async #makeRoom(id: string, mark: ImportMark | undefined): Promise<void> {
    if (this.#options.replace !== true) {
      if (mark !== undefined && mark.phase !== "finished")
        throw this.#refusal("a part of another import");
      if (await this.#ask(() => this.#hasRows())) throw this.#refusal("actors or messages");
      return;
    }
    await this.#ask(() => this.#clear(id));
  }

  async #clear(id: string): Promise<void> {
    let isBegun = false;
    for await (const rows of this.#store.systems.read(this.#system)) {
      this.#options.signal?.throwIfAborted();
      // A statestore that cannot read and write at the same time says so before anything is changed.
      if (!isBegun) await this.#mark({ id, phase: "clearing" });
      isBegun = true;
      await this.#ask(() => this.#store.systems.remove(rows));
    }
  }

  #refusal(what: string): SpawnError {
    return new SpawnError(
      "INVALID_ARGUMENT",
      `the statestore has ${what} of ${this.#system}: expected nothing of it, or the option replace, which removes all of that`,
    );
  }

  async #hasRows(): Promise<boolean> {
    for await (const rows of this.#store.systems.read(this.#system)) {
      if (rows.some((row) => row.kind !== "damaged" || row.isOwn)) return true;
    }
    return false;
  }

  /** Everything has come; it is counted, in case somebody else wrote meanwhile. */
  async #finish({ id, rows: expected }: ImportedSystem): Promise<void> {
    const counts = await this.#ask(() => this.#count());
    const kinds = Object.keys(counts) as (keyof RowCounts)[];
    const wrong = kinds.find((kind) => counts[kind] !== expected[kind]);
    if (wrong !== undefined) {
      // What nobody has exported is there, and only goes with everything else.
      await this.#mark({ id, phase: "clearing" });
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the statestore has ${counts[wrong]} rows of the kind ${wrong} after the import, expected ${expected[wrong]}: somebody else writes ${this.#system} there; stop that, and import with the option replace`,
      );
    }
    await this.#mark({ id, phase: "finished" });
  }

  async #count(): Promise<RowCounts> {
    let counts = NO_ROWS;
    for await (const rows of this.#store.systems.read(this.#system)) {
      this.#options.signal?.throwIfAborted();
      counts = countRows(counts, rows);
    }
    return counts;
  }

  async #mark(mark: ImportMark): Promise<void> {
    await this.#ask(() => this.#store.systems.writeMark(this.#system, mark));
  }

  #ask<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const what = `${this.#system} cannot be imported`;
    return askPatiently({ what, clock: systemClock, signal: this.#options.signal }, call);
  }
}

function proofsOf({ keys }: StreamHead): readonly KeyProof[] {
  return keys.map(({ keyId, proof }) => ({
    keyId,
    proof: new Uint8Array(Buffer.from(proof, "base64")),
  }));
}
