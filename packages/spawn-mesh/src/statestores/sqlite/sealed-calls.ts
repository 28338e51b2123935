/** The calls of `Statestore.sealed`, in the worker. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ActorId } from "../../engine/actor-id.ts";
import type { StoredMessage } from "../../engine/message-store.ts";
import type { KeyProof, Rewrite, SealedRows } from "../../engine/sealed-rows.ts";
import type { StoredReply, StoredState } from "../../engine/statestore.ts";
import { REPLY_KINDS } from "./commit-rows.ts";
import { prepareArrays } from "./connection.ts";
import { columnsOf } from "./message-rows.ts";
import { sealableColumns } from "./sealed-columns.ts";
import { SealedScan } from "./sealed-scan.ts";

/** A call on its way to the worker. */
export type SealedCall = {
  readonly [Name in keyof SealedRows]: readonly [
    name: Name,
    ...inputs: Parameters<SealedRows[Name]>,
  ];
}[keyof SealedRows];

export function isSealedRead([name]: SealedCall): boolean {
  return name === "listKeys" || name === "scan";
}

const ACTOR_ID = `(SELECT actor_id FROM spawn_name
  WHERE name = ?1 AND definition = ?2 AND system = ?3)`;

export class SealedCalls {
  readonly #scan: SealedScan;
  readonly #listKeys: StatementSync;
  readonly #addKey: StatementSync;
  readonly #removeKey: StatementSync;
  readonly #rewriteState: StatementSync;
  readonly #rewriteRevision: StatementSync;
  readonly #rewriteReply: StatementSync;
  readonly #rewriteMessage: StatementSync;
  readonly #rewriteParked: StatementSync;

  constructor(database: DatabaseSync) {
    const prepare = (sql: string): StatementSync => prepareArrays(database, sql);
    this.#scan = new SealedScan(database);
    this.#listKeys = prepare("SELECT id, proof FROM spawn_key ORDER BY id");
    this.#addKey = prepare("INSERT OR IGNORE INTO spawn_key (id, proof) VALUES (?, ?)");
    this.#removeKey = prepare("DELETE FROM spawn_key WHERE id = ?");
    this.#rewriteState = prepare(
      `UPDATE spawn_actor SET key_id = ?4, state = ?5
       WHERE id = ${ACTOR_ID} AND etag = ?6 AND state IS NOT NULL`,
    );
    this.#rewriteRevision = prepare(
      `UPDATE spawn_history SET key_id = ?4, state = ?5
       WHERE actor_id = ${ACTOR_ID} AND etag = ?6 AND revision = ?7`,
    );
    this.#rewriteReply = prepare(
      `UPDATE spawn_inbox SET key_id = ?4, reply = ?5, fingerprint = ?6, is_reply_dropped = 0
       WHERE actor_id = ${ACTOR_ID} AND key = ?7
         AND key_id IS ?8 AND reply IS ?9 AND fingerprint = ?10 AND kind = ?11 AND expire_at = ?12`,
    );
    this.#rewriteMessage = prepare(rewriteIn("spawn_message"));
    this.#rewriteParked = prepare(rewriteIn("spawn_parked"));
  }

  run(call: SealedCall): unknown {
    switch (call[0]) {
      case "listKeys":
        return this.listKeys();
      case "addKey":
        return void this.#addKey.run(call[1].keyId, call[1].proof);
      case "removeKey":
        return void this.#removeKey.run(call[1]);
      case "scan":
        return this.#scan.run(call[1]);
      case "rewrite":
        return call[1].filter((rewrite) => this.#rewriteOne(rewrite)).length;
    }
  }

  listKeys(): readonly KeyProof[] {
    const rows = this.#listKeys.all() as unknown as readonly (readonly [string, Uint8Array])[];
    return rows.map(([keyId, proof]) => ({ keyId, proof }));
  }

  #rewriteOne({ row, by }: Rewrite): boolean {
    if (row.kind === "state" && by.kind === row.kind) {
      return isOne(this.#rewriteState.run(...inputsOfState(row.actor, row.stored, by.stored)));
    }
    if (row.kind === "revision" && by.kind === row.kind) {
      const inputs = inputsOfState(row.actor, row.stored, by.stored);
      return isOne(this.#rewriteRevision.run(...inputs, row.stored.revision));
    }
    if (row.kind === "reply" && by.kind === row.kind) {
      return isOne(this.#rewriteReply.run(...inputsOfReply(row.actor, row.stored, by.stored)));
    }
    if (row.kind === "message" && by.kind === row.kind) {
      return isOne(this.#rewriteMessage.run(...inputsOfMessage(row.stored, by.stored)));
    }
    if (row.kind === "parked" && by.kind === row.kind) {
      return isOne(this.#rewriteParked.run(...inputsOfMessage(row.stored, by.stored)));
    }
    return false;
  }
}

function rewriteIn(table: string): string {
  return `UPDATE ${table} SET key_id = ?, payload = ?, headers = ?, error = ?
    WHERE id = ? AND sent_at = ? AND key_id IS ? AND payload IS ? AND headers = ? AND error IS ?`;
}

function isOne({ changes }: { readonly changes: number | bigint }): boolean {
  return changes === 1;
}

function inputsOfState(actor: ActorId, was: StoredState, by: StoredState) {
  const { name, definition, system } = actor;
  const etag = Buffer.from(was.etag, "latin1");
  return [name, definition, system, ...sealableColumns(by.state), etag] as const;
}

function inputsOfReply(actor: ActorId, was: StoredReply, by: StoredReply) {
  const { name, definition, system } = actor;
  const next = [...sealableColumns(by.reply), by.fingerprint] as const;
  const present = [...sealableColumns(was.reply), was.fingerprint] as const;
  const bound = [REPLY_KINDS.indexOf(was.kind), was.expiresAt] as const;
  return [name, definition, system, ...next, was.key, ...present, ...bound] as const;
}

function inputsOfMessage(was: StoredMessage, by: StoredMessage) {
  return [...contentOf(by), was.id, was.sentAt, ...contentOf(was)] as const;
}

function contentOf(message: StoredMessage) {
  const [, , , , keyId, payload, headers] = columnsOf(message);
  return [keyId, payload, headers, message.error ?? null] as const;
}
