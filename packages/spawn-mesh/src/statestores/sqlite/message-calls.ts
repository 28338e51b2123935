/** The calls of the message store, in the worker: each is one transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type {
  Message,
  MessagePage,
  MessageRef,
  MessageStore,
  ParkedMessage,
  RememberedOutcome,
  SentLaterPage,
  StoredMessage,
} from "../../engine/message-store.ts";
import { REPLY_KINDS } from "./commit-rows.ts";
import { prepareArrays } from "./connection.ts";
import { FoundRows } from "./found-rows.ts";
import {
  columnsOf,
  MESSAGE_COLUMNS,
  storedMessage,
  type MessageColumns,
  type StoredColumns,
  STORED_COLUMNS,
} from "./message-rows.ts";
import { isDamaged, messageAmongOthers } from "../damaged-messages.ts";
import { textOfNames } from "../stored-texts.ts";
import { MessageTable } from "./message-table.ts";
import { sealableColumns } from "./sealed-columns.ts";

/** The message store as it is here: without promises. */
type SyncMessageStore = {
  readonly [Name in keyof MessageStore]: (
    ...inputs: Parameters<MessageStore[Name]>
  ) => Awaited<ReturnType<MessageStore[Name]>>;
};

/** A call of the message store on its way to the worker. */
export type MessageCall = {
  readonly [Name in keyof MessageStore]: readonly [
    name: Name,
    ...inputs: Parameters<MessageStore[Name]>,
  ];
}[keyof MessageStore];

/** Those that change nothing. */
const READS: ReadonlySet<keyof MessageStore> = new Set([
  "nextDueAt",
  "list",
  "listSentLater",
  "listParked",
]);

export function isMessageRead(call: MessageCall): boolean {
  return READS.has(call[0]);
}

/** Of the source and to the target that are asked for, if any. */
const IS_WANTED = "(?3 IS NULL OR source = ?3) AND (?4 IS NULL OR target = ?4)";

/** Messages along the index, those that are first beside those that are not: each half has its order from it. */
function waitingQuery(columns: string, condition: string): string {
  const half = (isFirst: 0 | 1): string => `SELECT ${columns} FROM spawn_message
    WHERE is_first = ${isFirst} AND (due_at, id) > (?1, ?2) AND ${condition}`;
  return `${half(1)} UNION ALL ${half(0)} ORDER BY due_at, id`;
}

/** By name, as {@link messageQueries}. */
export const messageLists: Readonly<Record<"list" | "listSentLater", string>> = {
  list: `${waitingQuery(STORED_COLUMNS, IS_WANTED)} LIMIT ?5`,
  listSentLater: `SELECT * FROM (${waitingQuery(STORED_COLUMNS, "1")} LIMIT ?3)
    WHERE sent_at > ?4 OR (due_at > ?5
      AND (attempts > 0 OR error IS NOT NULL OR (source IS NOT NULL AND flags & 1)))
    ORDER BY due_at, id LIMIT ?6`,
};

export class MessageCalls implements SyncMessageStore {
  readonly #table: MessageTable;
  readonly #list: FoundRows<StoredColumns>;
  readonly #listSentLater: FoundRows<StoredColumns>;
  readonly #listParked: FoundRows<readonly [...StoredColumns, parkedAt: number]>;
  readonly #unpark: StatementSync;
  readonly #findParked: FoundRows<MessageColumns>;
  readonly #remember: StatementSync;

  constructor(database: DatabaseSync) {
    this.#table = new MessageTable(database);
    const prepare = (sql: string): StatementSync => prepareArrays(database, sql);
    this.#list = new FoundRows(database, messageLists.list);
    this.#listSentLater = new FoundRows(database, messageLists.listSentLater);
    this.#listParked = new FoundRows(
      database,
      `SELECT ${STORED_COLUMNS}, parked_at FROM spawn_parked
       WHERE (parked_at, id) > (?1, ?2) AND ${IS_WANTED} ORDER BY parked_at, id LIMIT ?5`,
    );
    this.#findParked = new FoundRows(
      database,
      `SELECT ${MESSAGE_COLUMNS} FROM spawn_parked WHERE id = ?`,
    );
    this.#remember = prepare(
      `INSERT OR IGNORE INTO spawn_inbox SELECT actor_id, ?4, ?5, ?6, ?7, ?8, ?9, ?10
       FROM spawn_name JOIN spawn_actor ON id = actor_id
       WHERE name = ?1 AND definition = ?2 AND system = ?3 AND NOT is_deleted`,
    );
    this.#unpark = prepare("DELETE FROM spawn_parked WHERE id = ?");
  }

  run([name, ...inputs]: MessageCall): unknown {
    return Reflect.apply(this[name], this, inputs);
  }

  send(messages: Parameters<MessageStore["send"]>[0]): void {
    this.#table.add(messages.map(columnsOf));
  }

  claim(claim: Parameters<MessageStore["claim"]>[0]): readonly StoredMessage[] {
    return this.#table.claim(claim);
  }

  nextDueAt(): number | undefined {
    return this.#table.nextDueAt();
  }

  postpone(postponements: Parameters<MessageStore["postpone"]>[0]): void {
    for (const postponement of postponements) this.#table.postpone(postponement);
  }

  replace(message: MessageRef, messages: readonly Message[], outcome?: RememberedOutcome): boolean {
    const place = this.#table.placeOf(message);
    if (place === undefined) return false;
    const next = messages.find(({ id }) => id === message.id);
    if (next === undefined || !this.#table.goOn(place, columnsOf(next)))
      this.#table.removeAt(place);
    this.#table.add(messages.map(columnsOf));
    if (outcome !== undefined) this.#rememberOutcome(outcome);
    return true;
  }

  #rememberOutcome({ actor, reply: stored }: RememberedOutcome): void {
    const { key, fingerprint, kind, reply, expiresAt } = stored;
    this.#remember.run(
      actor.name,
      actor.definition,
      actor.system,
      key,
      fingerprint,
      ...sealableColumns(reply),
      reply === undefined ? 1 : 0,
      expiresAt,
      REPLY_KINDS.indexOf(kind),
    );
  }

  remove(ids: readonly string[]): readonly string[] {
    return this.#mendLanes(ids, () => ids.filter((id) => this.#table.remove(id)));
  }

  list(page: MessagePage): readonly StoredMessage[] {
    return this.#list.all(...pageInputs(page)).map(amongOthers);
  }

  listSentLater(page: SentLaterPage): readonly StoredMessage[] {
    const { sentAfter, leftDueAfter, after, among, limit } = page;
    const inputs = [after.at, after.id, among, sentAfter, leftDueAfter, limit];
    return this.#listSentLater.all(...inputs).map(amongOthers);
  }

  park(parked: Parameters<MessageStore["park"]>[0], at: number): void {
    const ids = parked.map(({ id }) => id);
    this.#mendLanes(ids, () => {
      for (const message of parked) {
        const place = this.#table.placeOf(message);
        if (place !== undefined) this.#table.parkAt(place, message.error, at);
      }
    });
  }

  /** Who was behind a damaged message in its lane does not stand in its row any more. */
  #mendLanes<Answer>(going: readonly string[], go: () => Answer): Answer {
    const isAnyDamaged = going.some((id) => {
      const columns = this.#table.find(id);
      return columns !== undefined && isDamaged(amongOthers(columns));
    });
    const answer = go();
    if (isAnyDamaged) this.#table.findHeads();
    return answer;
  }

  listParked(page: MessagePage): readonly ParkedMessage[] {
    return this.#listParked.all(...pageInputs(page)).map((columns) => {
      const parkedAt = Number(columns.at(-1));
      const stored = amongOthers(columns.slice(0, -1) as unknown as StoredColumns);
      return { ...stored, error: stored.error ?? "", parkedAt };
    });
  }

  retryParked(ids: readonly string[], dueAt: number): readonly string[] {
    return ids.filter((id) => {
      const columns = this.#findParked.get(id);
      if (columns === undefined) return false;
      this.#unpark.run(id);
      this.#table.add([columns.with(DUE_AT, dueAt) as unknown as MessageColumns]);
      return true;
    });
  }

  discardParked(ids: readonly string[]): readonly string[] {
    return ids.filter((id) => this.#unpark.run(id).changes === 1);
  }
}

const DUE_AT = 9;

function amongOthers(columns: StoredColumns): StoredMessage {
  return messageAmongOthers(storedMessage, columns);
}

function pageInputs({ source, target, after, limit }: MessagePage) {
  return [
    after?.at ?? Number.NEGATIVE_INFINITY,
    after?.id ?? "",
    source === undefined ? null : textOfNames(source),
    target === undefined ? null : textOfNames(target),
    limit,
  ] as const;
}
