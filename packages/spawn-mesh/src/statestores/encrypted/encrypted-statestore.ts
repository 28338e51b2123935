import type { KeyProof } from "../../engine/sealed-rows.ts";
import type { Statestore } from "../../engine/statestore.ts";
import type { FoundRow } from "../../engine/system-rows.ts";
import type { Reencryption, ReencryptionOptions } from "./reencryption.ts";

/** A statestore that encrypts all that another one keeps. */
export interface EncryptedStatestore extends Statestore {
  /**
   * Encrypts everything with the active key that is not yet, beside all that goes on: a row that is
   * written meanwhile is left to its writer, and whoever has read a row may go on with it. It can be
   * stopped at any time and called again.
   *
   * @throws {SpawnError} `STATESTORE_UNAVAILABLE` when the statestore fails; what was done stays
   */
  reencrypt(options?: ReencryptionOptions): Promise<Reencryption>;

  /**
   * Takes in the keys that rows from elsewhere are sealed with.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` when one of them is not in the keyring, or another key there
   */
  admitKeys(proofs: readonly KeyProof[]): Promise<void>;

  /** A row as it is kept, in clear; what cannot be opened stays sealed and says why. */
  openRow(row: FoundRow): FoundRow;
}

/** Whether a statestore encrypts what it keeps. */
export function isEncrypted(store: Statestore): store is EncryptedStatestore {
  return "reencrypt" in store;
}
