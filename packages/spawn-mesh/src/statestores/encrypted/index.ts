/**
 * Encryption around any statestore: states, history, stored replies and messages are sealed on their
 * way in and opened on their way out. The statestore within sees bytes, and all that it needs to do
 * its work: names, ids, tags, times. See docs/guides/encryption.md.
 */
import { checkStatestore } from "../../engine/given-statestore.ts";
import type { ActorId } from "../../engine/actor-id.ts";
import type { ActorQueries } from "../../engine/actor-queries.ts";
import { describeThrown, isSpawnError, SpawnError } from "../../engine/errors.ts";
import type { MessageStore } from "../../engine/message-store.ts";
import type { KeyProof, SealedRows } from "../../engine/sealed-rows.ts";
import {
  type ActorsOf,
  type Commit,
  type RevisionInfo,
  type Statestore,
  type StoreAnswer,
  StoreFailure,
  type StoreHandle,
  type StoreQuery,
  type StoreSession,
  type StoredState,
} from "../../engine/statestore.ts";
import type { FoundRow, SystemRows } from "../../engine/system-rows.ts";
import { EncryptedMessages } from "./encrypted-messages.ts";
import type { EncryptedStatestore } from "./encrypted-statestore.ts";
import { type Encryption, type EncryptionOptions, Keyring } from "./keyring.ts";
import { reencrypt, type Reencryption, type ReencryptionOptions } from "./reencryption.ts";
import { Sealing } from "./sealing.ts";

export type { EncryptedStatestore } from "./encrypted-statestore.ts";
export type { UnreadableRow } from "../../engine/unreadable-rows.ts";
export { keyFile } from "./key-file.ts";
export type { Encryption, EncryptionOptions, KeyMaterial } from "./keyring.ts";
export type { Reencryption, ReencryptionOptions, ReencryptionProgress } from "./reencryption.ts";

/**
 * Encrypts all that a statestore keeps.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for a key of the wrong length and the like; keys that come
 * from a function are checked by `open`
 */
export function encryptedStatestore(
  inner: Statestore,
  encryption: Encryption,
): EncryptedStatestore {
  checkStatestore("encryptedStatestore", inner);
  return new SealingStatestore(inner, encryption);
}

class SealingStatestore implements EncryptedStatestore {
  readonly needsEncryption = false;
  readonly messages: MessageStore;
  readonly #inner: Statestore;
  readonly #keyring: () => Promise<Keyring>;
  #openSealing: Sealing | undefined;

  constructor(inner: Statestore, encryption: Encryption) {
    this.#inner = inner;
    if (typeof encryption === "function") {
      this.#keyring = () => askForKeys(encryption);
    } else {
      const keyring = new Keyring(encryption);
      this.#keyring = async () => keyring;
    }
    this.messages = new EncryptedMessages(inner.messages, () => this.#sealing);
  }

  get sealed(): SealedRows {
    return this.#inner.sealed;
  }

  /** What actors are found by is in clear. */
  get queries(): ActorQueries {
    return this.#inner.queries;
  }

  /** Sealed rows are carried as they are; what comes in clear is sealed. */
  get systems(): SystemRows {
    const { systems } = this.#inner;
    return {
      read: (system) => systems.read(system),
      add: (rows) => systems.add(rows.map((row) => this.#sealing.sealRow(row))),
      remove: (rows) => systems.remove(rows),
      readMark: (system) => systems.readMark(system),
      writeMark: (system, mark) => systems.writeMark(system, mark),
    };
  }

  async open(session: StoreSession): Promise<void> {
    const sealing = new Sealing(await this.#keyring());
    const { ids, lostIds } = sealing.keyring;
    await this.#inner.open({ ...session, keyIds: [...ids, ...lostIds] });
    try {
      await checkProofs(this.#inner.sealed, sealing);
    } catch (error) {
      await this.#inner.close();
      throw error;
    }
    this.#openSealing = sealing;
  }

  async load(queries: readonly StoreQuery[]): Promise<readonly StoreAnswer[]> {
    const sealing = this.#sealing;
    const answers = await this.#inner.load(queries);
    return answers.map(({ row, replies, messages }, index) => {
      const { actor } = queries[index]!;
      return {
        row: row && sealing.openState(actor, row),
        replies: replies.map((reply) => sealing.openReply(actor, reply)),
        messages: messages.map((message) => sealing.openMessage(message)),
      };
    });
  }

  async commit(commits: readonly Commit[]): Promise<readonly (StoreHandle | undefined)[]> {
    const sealing = this.#sealing;
    const answer = this.#inner.commit(commits.map((commit) => sealCommit(sealing, commit)));
    // Who gets this answer often makes another such group; until then this thread mostly waits.
    setImmediate(() => sealing.prepare());
    return await answer;
  }

  listRevisions(actor: ActorId): Promise<readonly RevisionInfo[]> {
    return this.#inner.listRevisions(actor);
  }

  async readRevision(actor: ActorId, revision: number): Promise<StoredState | undefined> {
    const sealing = this.#sealing;
    const stored = await this.#inner.readRevision(actor, revision);
    return stored && sealing.openState(actor, stored);
  }

  listActors(of: ActorsOf): Promise<readonly string[]> {
    return this.#inner.listActors(of);
  }

  prune(wall: number, limit: number): Promise<number> {
    return this.#inner.prune(wall, limit);
  }

  async reencrypt(options: ReencryptionOptions = {}): Promise<Reencryption> {
    return await reencrypt(this.#inner.sealed, this.#sealing, options);
  }

  async admitKeys(proofs: readonly KeyProof[]): Promise<void> {
    const { keyring } = this.#sealing;
    const owned = proofs.filter(({ keyId }) => !keyring.lostIds.includes(keyId));
    const missing = owned.find(({ keyId }) => keyring.get(keyId) === undefined);
    const wrong = missing ?? owned.find((proof) => !this.#sealing.isProven(proof));
    if (wrong !== undefined) {
      const what = wrong === missing ? "" : "another key than ";
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the rows are encrypted with ${what}"${wrong.keyId}": expected that key among those of encryption, which are ${keyring.ids.join(", ")}`,
      );
    }
    for (const proof of proofs) await this.#inner.sealed.addKey(proof);
  }

  openRow(row: FoundRow): FoundRow {
    return this.#sealing.openRow(row);
  }

  async close(): Promise<void> {
    this.#openSealing = undefined;
    await this.#inner.close();
  }

  get #sealing(): Sealing {
    if (this.#openSealing === undefined) {
      throw new StoreFailure("fatal", "the statestore is not open");
    }
    return this.#openSealing;
  }
}

/** @throws {SpawnError} `INVALID_ARGUMENT` for wrong keys, `STATESTORE_UNAVAILABLE` when there are none to be had */
async function askForKeys(give: Exclude<Encryption, EncryptionOptions>): Promise<Keyring> {
  let options: EncryptionOptions;
  try {
    options = await give();
  } catch (cause) {
    if (isSpawnError(cause)) throw cause;
    const message = `the keys of the statestore cannot be had: ${describeThrown(cause)}`;
    throw new SpawnError("STATESTORE_UNAVAILABLE", message, { cause });
  }
  return new Keyring(options);
}

/** Most commits have neither replies nor messages, and pay nothing for them. */
function sealCommit(sealing: Sealing, commit: Commit): Commit {
  const { actor, replies, sends } = commit;
  const sealed = sealing.sealState(actor, commit);
  if (replies.length === 0 && sends.length === 0) return sealed;
  return {
    ...sealed,
    replies: replies.map((reply) => sealing.sealReply(actor, reply)),
    sends: sends.map((message) => sealing.sealMessage(message)),
  };
}

/**
 * Checks that the keys are those that the rows were encrypted with, and makes the active one known.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE`, before anything is changed
 */
async function checkProofs(sealed: SealedRows, sealing: Sealing): Promise<void> {
  try {
    const known = await provenKeys(sealed, sealing);
    if (known.includes(sealing.keyring.activeId)) return;
    await sealed.addKey(sealing.prove());
    // Somebody else may have been first, with another key.
    await provenKeys(sealed, sealing);
  } catch (error) {
    if (isSpawnError(error)) throw error;
    const message = `the keys of the statestore cannot be checked: ${describeThrown(error)}`;
    throw new SpawnError("STATESTORE_UNAVAILABLE", message, { cause: error });
  }
}

async function provenKeys(sealed: SealedRows, sealing: Sealing): Promise<readonly string[]> {
  const proofs = await sealed.listKeys();
  const { lostIds } = sealing.keyring;
  const wrong = proofs.find((proof) => !lostIds.includes(proof.keyId) && !sealing.isProven(proof));
  if (wrong === undefined) return proofs.map(({ keyId }) => keyId);
  throw new SpawnError(
    "STATESTORE_UNAVAILABLE",
    `the statestore holds rows encrypted with another key than "${wrong.keyId}" of encryption: expected the key that had this id before`,
  );
}
