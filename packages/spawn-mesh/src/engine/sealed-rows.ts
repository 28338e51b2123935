/**
 * PORT: stored values that only those with a key can read, and how they come to be under another key.
 *
 * A statestore knows nothing of keys. It keeps a {@link Sealed} value where it would keep the clear
 * one, its bytes as bytes, with the id of its key in a column of its own, where it can be found and
 * counted. Sealing and opening is done around the statestore.
 */
import type { ActorId } from "./actor-id.ts";
import type { DamagedRow } from "./damaged-rows.ts";
import { SpawnError } from "./errors.ts";
import type { StoredMessage } from "./message-store.ts";
import type { Statestore, StoredReply, StoredState } from "./statestore.ts";

/** A value that only those with a key can read. */
export interface Sealed {
  readonly keyId: string;
  readonly bytes: Uint8Array;
  /** Why it could not be opened by those who tried; statestores do not keep it, and set it for what is damaged. */
  readonly problem?: string;
}

/** Whether a stored value is sealed: clear ones are text, bytes, or nothing. */
export function isSealed(value: string | Uint8Array | Sealed | null | undefined): value is Sealed {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array);
}

/** What follows from a sealed value that nobody has opened. */
export function unreadable(what: string, { keyId, problem }: Sealed): SpawnError {
  const why = problem ?? `is encrypted with key "${keyId}", and this system has no keys`;
  return new SpawnError("STATE_CORRUPT", `${what} ${why}`);
}

/** Evidence of a key: what it has sealed, so that another key under the same id is found out. */
export interface KeyProof {
  readonly keyId: string;
  readonly proof: Uint8Array;
}

/** A stored value that may be sealed, with everything that it is bound to. */
export type SealableRow =
  | { readonly kind: "state" | "revision"; readonly actor: ActorId; readonly stored: StoredState }
  | { readonly kind: "reply"; readonly actor: ActorId; readonly stored: StoredReply }
  | { readonly kind: "message" | "parked"; readonly stored: StoredMessage };

/** What of the row may be sealed. */
export function sealableValue(row: SealableRow): string | Uint8Array | Sealed | null | undefined {
  switch (row.kind) {
    case "state":
    case "revision":
      return row.stored.state;
    case "reply":
      return row.stored.reply;
    case "message":
    case "parked":
      return row.stored.payload;
  }
}

const ERROR_MARK = "\u0001encrypted ";

/** How the reason why a message failed begins when it is sealed with that key: statestores keep it as a text. */
export function errorMark(keyId: string): string {
  return `${ERROR_MARK}${keyId} `;
}

/** The key that the reason why a message failed is sealed with; `undefined` when it is clear. */
export function keyOfError(error: string): string | undefined {
  if (!error.startsWith(ERROR_MARK)) return undefined;
  return error.slice(ERROR_MARK.length).split(" ", 1)[0];
}

/** Why a message failed, if the row is one that did. */
export function errorOf({ stored }: SealableRow): string | undefined {
  return "error" in stored ? stored.error : undefined;
}

/** Whether all of the row is sealed with that key that may be sealed. */
export function isSealedWith(keyId: string, row: SealableRow): boolean {
  const value = sealableValue(row);
  const error = errorOf(row);
  const isErrorSealed = error === undefined || keyOfError(error) === keyId;
  return isSealed(value) && value.keyId === keyId && isErrorSealed;
}

/** A part of a statestore's rows. */
export interface ScannedRows {
  /** Those that are clear or sealed with another key, of those that were looked at. */
  readonly rows: readonly SealableRow[];
  /** Those of them that are damaged, so that nobody can seal them anew. */
  readonly damaged: readonly DamagedRow[];
  /** How many were looked at. */
  readonly seen: number;
  /** Where to go on; `undefined` when there are no more. */
  readonly after: string | undefined;
}

/** A row as it was scanned, and what it holds instead: of the same kind, sealed anew. */
export interface Rewrite {
  readonly row: SealableRow;
  readonly by: SealableRow;
}

/** The rows of a statestore as those see them who change its keys. Fails as the statestore does. */
export interface SealedRows {
  /** The proofs of the keys that values may be sealed with. */
  listKeys(): Promise<readonly KeyProof[]>;

  /** Keeps the proof of a key, unless there is one of that id. */
  addKey(proof: KeyProof): Promise<void>;

  /** Forgets a key: no value is sealed with it any more. */
  removeKey(keyId: string): Promise<void>;

  /**
   * Looks at some of the rows, in any order that is always the same, and answers those that hold something
   * which is not sealed with `keyId`: present states, kept revisions, stored replies, messages and parked
   * messages, and with these the reason why they failed ({@link errorMark}). What comes into being meanwhile,
   * or moves, may be missed. A damaged row ends nothing.
   *
   * @param page `after` is where the part before ended; `limit` about how many rows to look at
   */
  scan(page: {
    readonly keyId: string;
    readonly after: string | undefined;
    readonly limit: number;
  }): Promise<ScannedRows>;

  /**
   * Replaces values, each for itself, if they still are what was scanned; answers how many were
   * replaced. A state must have the same etag, which stays as it is: an owner's commit that comes
   * before wins, and one that comes after does not notice. Of a reply only what is sealed with it
   * changes (`reply`, `fingerprint`), of a message `payload`, `headers` and `error`; they must be
   * what was scanned, and `kind` and `expiresAt` of the reply and `sentAt` of the message too: what
   * has come in its place may look like it.
   */
  rewrite(rewrites: readonly Rewrite[]): Promise<number>;
}

/**
 * Refuses to keep states in clear text outside of this machine.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function checkEncryption(system: string, store: Statestore): void {
  if (!store.needsEncryption) return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `the statestore of ${system} keeps states outside of this machine: expected the option encryption with keys, such as keyFile("keys.json") of spawn-mesh/encryption; got none`,
  );
}

/**
 * Refuses a session that cannot read what is stored. Called by every statestore when it is opened.
 *
 * @param stored the ids of the keys of {@link SealedRows.listKeys}
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE`
 */
export function checkKeyIds(stored: readonly string[], known: readonly string[] = []): void {
  const missing = stored.filter((keyId) => !known.includes(keyId));
  if (missing.length === 0) return;
  const names = missing.map((keyId) => `"${keyId}"`).join(", ");
  const expected =
    known.length === 0
      ? "open it with `encryption`"
      : "add it to the keys of `encryption`, or name it in `lost` if nobody has it any more";
  throw new SpawnError(
    "STATESTORE_UNAVAILABLE",
    `the statestore holds rows encrypted with key ${names}, which this program does not have: ${expected}`,
  );
}
