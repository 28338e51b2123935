/** The outbox of a SQL database: the message store of the port, in statements that every database has. */
import type {
  MessageClaim,
  MessagePage,
  MessageRef,
  MessageStore,
  Message,
  ParkedMessage,
  Postponement,
  RememberedOutcome,
  SentLaterPage,
  StoredMessage,
} from "../../engine/message-store.ts";
import { messageAmongOthers } from "../damaged-messages.ts";
import { keyOfActor } from "./actor-key.ts";
import { replyStatus } from "./actor-rows.ts";
import { walkWith } from "./actor-walk.ts";
import type { Dialect, SqlDriver } from "./dialect.ts";
import { numberOf, optionalNumber, textOf } from "./driver-values.ts";
import {
  areThese,
  idBytes,
  isInPlaceOf,
  MESSAGE_COLUMNS,
  type MessageTable,
  PARKED_COLUMNS,
  SENT_COLUMNS,
  sentRow,
  storedMessage,
} from "./message-rows.ts";
import { sealableColumns } from "./sealed-columns.ts";
import { joined, sql, text, type Sql, type SqlResult, type SqlValue } from "./sql.ts";

const COPIED_COLUMNS = Object.keys(SENT_COLUMNS)
  .filter((column) => column !== "due_at")
  .join(", ");

export class SqlMessages implements MessageStore {
  readonly #dialect: Dialect;
  readonly #driver: () => SqlDriver;

  /** @param driver throws when the statestore is not open */
  constructor(dialect: Dialect, driver: () => SqlDriver) {
    this.#dialect = dialect;
    this.#driver = driver;
  }

  async send(messages: readonly Message[]): Promise<void> {
    const driver = this.#driver();
    if (messages.length > 0) await driver.transaction(this.#insert(messages));
  }

  async claim(claim: MessageClaim): Promise<readonly StoredMessage[]> {
    const driver = this.#driver();
    return (await this.#dialect.claim(driver, claim)).map(amongOthers);
  }

  async nextDueAt(): Promise<number | undefined> {
    const { rows } = await this.#driver().query(
      sql`SELECT min(due_at) FROM (
          SELECT min(due_at) AS due_at FROM spawn_outbox WHERE lane IS NULL
          UNION ALL
          SELECT min(m.due_at) AS due_at FROM ${this.#dialect.laneHeads}
            JOIN spawn_outbox m ON m.position = heads.position) next`,
    );
    return optionalNumber(rows[0]?.[0] ?? null);
  }

  async postpone(postponements: readonly Postponement[]): Promise<void> {
    const driver = this.#driver();
    const statements = postponements.map(
      ({ id, sentAt, dueAt, attempts, error, isUnderWay = false }) =>
        sql`UPDATE spawn_outbox SET due_at = ${dueAt}, attempts = ${attempts}, error = ${error ?? null},
            is_unanswered = ${text(isUnderWay ? "is_unanswered" : "0")}
          WHERE id = ${idBytes(id)} AND sent_at = ${sentAt}`,
    );
    if (statements.length > 0) await driver.transaction(statements);
  }

  async replace(
    message: MessageRef,
    messages: readonly Message[],
    outcome?: RememberedOutcome,
  ): Promise<boolean> {
    const driver = this.#driver();
    const next = messages.find(({ id }) => id === message.id);
    return await driver.converse(async (transaction) => {
      const isChanged = async (statement: Sql): Promise<boolean> =>
        (await transaction.run(statement)).changed > 0;
      const goesOn = next !== undefined && (await isChanged(putInPlace(next, message)));
      if (!goesOn && !(await isChanged(deleteThese([message])))) return false;
      const statements = [
        ...this.#insert(goesOn ? messages.filter((each) => each !== next) : messages),
        ...(outcome === undefined ? [] : rememberOutcome(this.#dialect, outcome)),
      ];
      for (const statement of statements) await transaction.run(statement);
      return true;
    });
  }

  async remove(ids: readonly string[]): Promise<readonly string[]> {
    return await this.#take(ids, "spawn_outbox", []);
  }

  async list(page: MessagePage): Promise<readonly StoredMessage[]> {
    const from = { table: "spawn_outbox", columns: MESSAGE_COLUMNS, time: "due_at" } as const;
    return (await this.#page(page, from)).map(amongOthers);
  }

  async listSentLater({
    sentAfter,
    leftDueAfter,
    after,
    among,
    limit,
  }: SentLaterPage): Promise<readonly StoredMessage[]> {
    const dialect = this.#dialect;
    const { rows } = await this.#driver().query(
      sql`SELECT ${text(prefixed("m", MESSAGE_COLUMNS))} FROM
          (SELECT position, sent_at FROM spawn_outbox WHERE ${isBehind("due_at", after)}
            ORDER BY due_at, id ${dialect.limit(among)}) looked
        JOIN spawn_outbox m ON m.position = looked.position
        WHERE looked.sent_at > ${sentAfter} OR (m.due_at > ${leftDueAfter}
          AND (m.attempts > 0 OR m.error IS NOT NULL OR m.lane IS NOT NULL))
        ORDER BY m.due_at, m.id ${dialect.limit(limit)}`,
    );
    return rows.map(amongOthers);
  }

  async park(
    parked: readonly (MessageRef & { readonly error: string })[],
    at: number,
  ): Promise<void> {
    const driver = this.#driver();
    if (parked.length === 0) return;
    // The first reason of a message that is named twice.
    const named = new Map(parked.toReversed().map((each) => [`${each.sentAt} ${each.id}`, each]));
    const refs = [...named.values()];
    const given = this.#dialect.given({
      name: "r",
      columns: { id: "bytes", sent_at: "bigint", error: "text" },
      rows: refs.map(({ id, sentAt, error }) => [idBytes(id), sentAt, error]),
    });
    await driver.transaction([
      lockMessages(
        this.#dialect,
        refs.map(({ id }) => id),
      ),
      sql`INSERT INTO spawn_parked (${text(COPIED_COLUMNS)}, due_at, attempts, error, parked_at)
          SELECT ${text(prefixed("m", COPIED_COLUMNS))}, m.due_at, m.attempts, r.error, ${at}
          FROM spawn_outbox m JOIN ${given} ON r.id = m.id AND r.sent_at = m.sent_at`,
      deleteThese(refs),
    ]);
  }

  async listParked(page: MessagePage): Promise<readonly ParkedMessage[]> {
    const from = { table: "spawn_parked", columns: PARKED_COLUMNS, time: "parked_at" } as const;
    return (await this.#page(page, from)).map((row) => {
      const message = amongOthers(row);
      return { ...message, error: message.error ?? "", parkedAt: numberOf(row.at(-1)) };
    });
  }

  async retryParked(ids: readonly string[], dueAt: number): Promise<readonly string[]> {
    const given = this.#dialect.given({
      name: "r",
      columns: { id: "bytes", place: "int" },
      rows: [...new Set(ids)].map((id, place) => [idBytes(id), place]),
    });
    return await this.#take(ids, "spawn_parked", [
      sql`INSERT INTO spawn_outbox (${text(COPIED_COLUMNS)}, due_at, attempts)
        SELECT ${text(prefixed("p", COPIED_COLUMNS))}, ${dueAt}, 0
        FROM spawn_parked p JOIN ${given} ON r.id = p.id ORDER BY r.place ${this.#dialect.orLeave("spawn_outbox", "id")}`,
    ]);
  }

  async discardParked(ids: readonly string[]): Promise<readonly string[]> {
    return await this.#take(ids, "spawn_parked", []);
  }

  /** All of them are walked through in their order; those of one source or target are few, and sorted. */
  async #page(page: MessagePage, from: ListedTable): Promise<SqlResult["rows"]> {
    const [dialect, driver] = [this.#dialect, this.#driver()];
    const statement = listStatement(page, from, dialect);
    const isOfAll = page.source === undefined && page.target === undefined;
    return (await (isOfAll ? walkWith(dialect, driver, statement) : driver.query(statement))).rows;
  }

  #insert(messages: readonly Message[]): readonly Sql[] {
    const dialect = this.#dialect;
    if (dialect.addMissing === undefined) return insertMessages(dialect, messages);
    return dialect.addMissing({
      table: "spawn_outbox",
      columns: { ...SENT_COLUMNS, attempts: "bigint" },
      rows: messages.map((message) => [...sentRow(message), 0]),
      key: ["id"],
      elsewhere: "spawn_parked",
    });
  }

  /** Removes rows that nobody else can change meanwhile, after `before`; answers the ids of those that were there. */
  async #take(
    ids: readonly string[],
    table: MessageTable,
    before: readonly Sql[],
  ): Promise<readonly string[]> {
    const driver = this.#driver();
    if (ids.length === 0) return [];
    const [locked] = await driver.transaction([
      lockMessages(this.#dialect, ids, table),
      ...before,
      this.#delete(table, ids),
    ]);
    const found = new Set(locked?.rows.map(([id]) => textOf(id)));
    return [...new Set(ids)].filter((id) => found.has(id));
  }

  #delete(table: MessageTable, ids: readonly string[]): Sql {
    const among = this.#dialect.among("id", "bytes", ids.map(idBytes));
    return sql`DELETE FROM ${text(table)} WHERE ${among}`;
  }
}

function amongOthers(row: readonly unknown[]): StoredMessage {
  return messageAmongOthers(storedMessage, row);
}

function deleteThese(refs: readonly MessageRef[]): Sql {
  return sql`DELETE FROM spawn_outbox WHERE ${areThese("spawn_outbox", refs)}`;
}

/** Puts a message in the place of one of its id, in line too, if it is the same place. */
function putInPlace(next: Message, { id, sentAt }: MessageRef): Sql {
  const row = sentRow(next);
  const columns = Object.keys(SENT_COLUMNS).map((column, at) => sql`${text(column)} = ${row[at]!}`);
  return sql`UPDATE spawn_outbox SET ${joined(columns, ", ")}, attempts = 0, error = NULL, is_unanswered = 0
    WHERE id = ${idBytes(id)} AND sent_at = ${sentAt} AND ${isInPlaceOf(next)}`;
}

/** The actor is locked, so that no commit of it stores the same reply, or deletes it, meanwhile. */
function rememberOutcome(
  { lock }: Pick<Dialect, "lock">,
  { actor, reply }: RememberedOutcome,
): readonly Sql[] {
  const key = keyOfActor(actor);
  const id = Buffer.from(reply.key);
  const [keyId, value] = sealableColumns(reply.reply);
  return [
    sql`SELECT k FROM spawn_actor ${lock.hint} WHERE k = ${key} ${lock.ending}`,
    sql`INSERT INTO spawn_inbox (k, id, fingerprint, status, key_id, reply, is_dropped, expire_at)
      SELECT a.k, ${id}, ${reply.fingerprint}, ${replyStatus(reply)}, ${keyId}, ${value},
        ${reply.reply === undefined ? 1 : 0}, ${reply.expiresAt}
      FROM spawn_actor a WHERE a.k = ${key} AND a.flags % 2 = 0
        AND NOT EXISTS (SELECT 1 FROM spawn_inbox i WHERE i.k = ${key} AND i.id = ${id})`,
  ];
}

/** Locks messages until the transaction ends, and answers the ids of those that are there. */
export function lockMessages(
  { among, lock }: Pick<Dialect, "among" | "lock">,
  ids: readonly string[],
  table: MessageTable = "spawn_outbox",
): Sql {
  return sql`SELECT id FROM ${text(table)} ${lock.hint}
    WHERE ${among("id", "bytes", ids.map(idBytes))} ORDER BY id ${lock.ending}`;
}

/** Stores messages in order; those that are stored or parked already are left out. */
export function insertMessages(
  dialect: Pick<Dialect, "given" | "givenRowsMax" | "orLeave">,
  messages: readonly Message[],
  condition: Sql = sql`1 = 1`,
): readonly Sql[] {
  const columns = Object.keys(SENT_COLUMNS).join(", ");
  const statements: Sql[] = [];
  for (let first = 0; first < messages.length; first += dialect.givenRowsMax) {
    const given = dialect.given({
      name: "r",
      columns: { place: "int", ...SENT_COLUMNS },
      rows: messages
        .slice(first, first + dialect.givenRowsMax)
        .map((message, place): readonly SqlValue[] => [place, ...sentRow(message)]),
    });
    statements.push(
      sql`INSERT INTO spawn_outbox (${text(columns)}, attempts)
        SELECT ${text(prefixed("r", columns))}, 0 FROM ${given}
        WHERE ${condition} AND NOT EXISTS (SELECT 1 FROM spawn_parked p WHERE p.id = r.id)
        ORDER BY r.place ${dialect.orLeave("spawn_outbox", "id")}`,
    );
  }
  return statements;
}

interface ListedTable {
  readonly table: MessageTable;
  readonly columns: string;
  readonly time: string;
}

function listStatement(
  { source, target, after, limit }: MessagePage,
  { table, columns, time }: ListedTable,
  dialect: Pick<Dialect, "limit">,
): Sql {
  const at = text(time);
  const conditions: Sql[] = [sql`1 = 1`];
  if (source !== undefined) conditions.push(sql`src = ${keyOfActor(source)}`);
  if (target !== undefined) conditions.push(sql`dst = ${keyOfActor(target)}`);
  if (after !== undefined) conditions.push(isBehind(time, after));
  return sql`SELECT ${text(columns)} FROM ${text(table)} WHERE ${joined(conditions, " AND ")}
    ORDER BY ${at}, id ${dialect.limit(limit)}`;
}

/** The condition that a row comes behind the one that ended a page, said so that every database begins there. */
function isBehind(time: string, { at, id }: SentLaterPage["after"]): Sql {
  const column = text(time);
  return sql`${column} >= ${at} AND (${column} > ${at} OR id > ${idBytes(id)})`;
}

/** `a, b` as `t.a, t.b`. */
export function prefixed(table: string, columns: string): string {
  return columns.replaceAll(/\w+/g, (column) => `${table}.${column}`);
}
