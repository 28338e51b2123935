/**
 * The reference store as it is, or encrypted under a key that is changed while everybody works: one process
 * writes with the new key while another still writes with the old one, and what is stored is encrypted anew
 * beside them, by a way of its own to the rows.
 */
import type { Clock } from "../../src/engine/clock.ts";
import type { SealedRows } from "../../src/engine/sealed-rows.ts";
import type { Statestore, StoreSession } from "../../src/engine/statestore.ts";
import { encryptedStatestore } from "../../src/statestores/encrypted/index.ts";
import type { EncryptedStatestore } from "../../src/statestores/encrypted/index.ts";
import { memoryStatestore } from "../../src/statestores/memory/index.ts";

const keys = { old: "0".repeat(64), new: "1".repeat(64) } as const;
const NOBODY = { owner: "another program" } as const;
const ROWS_PER_SECOND_MAX = 100;

export class LockedStore {
  readonly #plain: Statestore = memoryStatestore();
  readonly #ways: readonly EncryptedStatestore[];
  /** Whether a process, by its id, writes with the new key. */
  readonly #isNew = new Map<string, boolean>();
  /** How the rows are reached that are encrypted anew. */
  #rows: SealedRows = this.#plain.sealed;

  constructor(isEncrypted: boolean) {
    const reached = reachedBy(this.#plain, () => this.#rows);
    this.#ways = isEncrypted
      ? [
          encryptedStatestore(this.#plain, { keys, active: "old" }),
          encryptedStatestore(reached, { keys, active: "new" }),
        ]
      : [];
  }

  /** @param way how the rows are reached from then on by who encrypts them anew */
  async open(way: (rows: SealedRows) => SealedRows): Promise<void> {
    await this.#plain.open(NOBODY);
    for (const store of this.#ways) await store.open(NOBODY);
    this.#rows = way(this.#rows);
  }

  /** The store as somebody reaches it: every other process has the new key. */
  reachedBy(owner: string): Statestore {
    const isNew = this.#isNew.get(owner) ?? this.#isNew.size % 2 === 1;
    this.#isNew.set(owner, isNew);
    return this.#ways[isNew ? 1 : 0] ?? this.#plain;
  }

  get #known(): Pick<StoreSession, "keyIds"> {
    return this.#ways.length === 0 ? {} : { keyIds: Object.keys(keys) };
  }

  /** From now on the process commits. The reference store does its work before it returns the promise. */
  hasOwner(owner: string): void {
    void this.#plain.open({ owner, ...this.#known });
  }

  /** Encrypts all anew; answers how many rows no key opens, and whether any is left under the old key. */
  async changeKey(clock: Clock): Promise<{ unreadable: number; isComplete: boolean }> {
    const [, way] = this.#ways;
    if (way === undefined) return { unreadable: 0, isComplete: true };
    return await way.reencrypt({ clock, rowsPerSecondMax: ROWS_PER_SECOND_MAX });
  }
}

/** The store with another way to the rows that may be encrypted anew. */
function reachedBy(store: Statestore, rows: () => SealedRows): Statestore {
  return new Proxy(store, {
    get(target, name) {
      if (name === "sealed") return rows();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
