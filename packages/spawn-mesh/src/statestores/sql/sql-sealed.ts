/** What may be encrypted in a SQL database, to change its keys. */
import type { ActorId } from "../../engine/actor-id.ts";
import type { StoredMessage } from "../../engine/message-store.ts";
import type { KeyProof, Rewrite, ScannedRows, SealedRows } from "../../engine/sealed-rows.ts";
import type { StoredReply, StoredState } from "../../engine/statestore.ts";
import { keyOfActor } from "./actor-key.ts";
import { replyStatus, stateFlags } from "./actor-rows.ts";
import type { Dialect, SqlDriver } from "./dialect.ts";
import { textOf } from "./driver-values.ts";
import { idBytes, type MessageTable } from "./message-rows.ts";
import { plainBytes, sealableColumns } from "./sealed-columns.ts";
import { scanSealed } from "./sealed-scan.ts";
import { type Sql, sql, type SqlValue, text } from "./sql.ts";

export class SqlSealedRows implements SealedRows {
  readonly #dialect: Dialect;
  readonly #driver: () => SqlDriver;

  /** @param driver throws when the statestore is not open */
  constructor(dialect: Dialect, driver: () => SqlDriver) {
    this.#dialect = dialect;
    this.#driver = driver;
  }

  async listKeys(): Promise<readonly KeyProof[]> {
    return await listKeys(this.#driver());
  }

  async addKey({ keyId, proof }: KeyProof): Promise<void> {
    await this.#driver().query(
      sql`INSERT INTO spawn_key (id, proof) VALUES (${keyId}, ${proof})
        ${this.#dialect.orLeave("spawn_key", "id")}`,
    );
  }

  async removeKey(keyId: string): Promise<void> {
    await this.#driver().query(sql`DELETE FROM spawn_key WHERE id = ${keyId}`);
  }

  async scan(page: Parameters<SealedRows["scan"]>[0]): Promise<ScannedRows> {
    return await scanSealed(this.#dialect, this.#driver(), page);
  }

  async rewrite(rewrites: readonly Rewrite[]): Promise<number> {
    const driver = this.#driver();
    const statements = rewrites.flatMap(rewriteStatement);
    if (statements.length === 0) return 0;
    const results = await driver.transaction(statements);
    return results.reduce((sum, { changed }) => sum + changed, 0);
  }
}

export async function listKeys(driver: SqlDriver): Promise<readonly KeyProof[]> {
  const { rows } = await driver.query(sql`SELECT id, proof FROM spawn_key ORDER BY id`);
  return rows.map(([id, proof]) => ({ keyId: textOf(id), proof: plainBytes(proof) }));
}

function rewriteStatement({ row, by }: Rewrite): readonly Sql[] {
  if (row.kind === "state" && by.kind === row.kind) {
    return [
      sql`UPDATE spawn_actor SET ${newState(by.stored)} WHERE ${isState(row.actor, row.stored)}
        AND state IS NOT NULL`,
    ];
  }
  if (row.kind === "revision" && by.kind === row.kind) {
    return [
      sql`UPDATE spawn_history SET ${newState(by.stored)} WHERE ${isState(row.actor, row.stored)}
        AND rev = ${row.stored.revision}`,
    ];
  }
  if (row.kind === "reply" && by.kind === row.kind) {
    return [rewriteReply(row.actor, row.stored, by.stored)];
  }
  if (row.kind === "message" && by.kind === row.kind) {
    return [rewriteMessage("spawn_outbox", row.stored, by.stored)];
  }
  if (row.kind === "parked" && by.kind === row.kind) {
    return [rewriteMessage("spawn_parked", row.stored, by.stored)];
  }
  return [];
}

function newState({ state }: StoredState): Sql {
  const [keyId, value] = sealableColumns(state);
  return sql`key_id = ${keyId}, state = ${value}, flags = ${stateFlags(state)}`;
}

function isState(actor: ActorId, { etag }: StoredState): Sql {
  return sql`k = ${keyOfActor(actor)} AND etag = ${Buffer.from(etag, "latin1")}`;
}

function rewriteReply(actor: ActorId, was: StoredReply, by: StoredReply): Sql {
  const [oldKeyId, oldReply] = sealableColumns(was.reply);
  const [keyId, reply] = sealableColumns(by.reply);
  return sql`UPDATE spawn_inbox SET key_id = ${keyId}, reply = ${reply},
      fingerprint = ${by.fingerprint}, is_dropped = ${by.reply === undefined ? 1 : 0}
    WHERE k = ${keyOfActor(actor)} AND id = ${Buffer.from(was.key)}
      AND ${holds("key_id", oldKeyId)} AND ${holds("reply", oldReply)}
      AND fingerprint = ${was.fingerprint} AND status = ${replyStatus(was)}
      AND expire_at = ${was.expiresAt}`;
}

function rewriteMessage(table: MessageTable, was: StoredMessage, by: StoredMessage): Sql {
  const [oldKeyId, oldPayload] = sealableColumns(was.payload);
  const [keyId, payload] = sealableColumns(by.payload);
  return sql`UPDATE ${text(table)} SET key_id = ${keyId}, payload = ${payload},
      headers = ${JSON.stringify(by.headers)}, error = ${by.error ?? null}
    WHERE id = ${idBytes(was.id)} AND sent_at = ${was.sentAt}
      AND ${holds("key_id", oldKeyId)} AND ${holds("payload", oldPayload)}
      AND headers = ${JSON.stringify(was.headers)} AND ${holds("error", was.error ?? null)}`;
}

/** The condition that a column has this value, or none as this one. */
function holds(column: string, value: SqlValue): Sql {
  return value === null ? text(`${column} IS NULL`) : sql`${text(column)} = ${value}`;
}
