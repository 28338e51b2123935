/** A batched load: up to three reads of one moment, in one round trip. Most need the first one only. */
import type { StoreAnswer, StoreQuery, StoredActor, StoredReply } from "../../engine/statestore.ts";
import type { StoredMessage } from "../../engine/message-store.ts";
import { keyOfActor, latin1 } from "./actor-key.ts";
import { ACTOR_COLUMNS, REPLY_COLUMNS, storedActor, storedReply } from "./actor-rows.ts";
import type { Dialect, SqlDriver } from "./dialect.ts";
import { bytesOf, textOf } from "./driver-values.ts";
import { idBytes, MESSAGE_COLUMNS, storedMessage } from "./message-rows.ts";
import { type Sql, sql, type SqlResult, text } from "./sql.ts";

interface KeyedQuery {
  readonly query: StoreQuery;
  readonly key: Buffer;
  /** The key as a text, for maps. */
  readonly id: string;
}

export class LoadAnswers {
  readonly #dialect: Dialect;
  readonly #queries: readonly KeyedQuery[];

  constructor(dialect: Dialect, queries: readonly StoreQuery[]) {
    this.#dialect = dialect;
    this.#queries = queries.map((query) => {
      const key = keyOfActor(query.actor);
      return { query, key, id: latin1(key) };
    });
  }

  /** @throws {SpawnError} `STATE_CORRUPT`, `KEY_COLLISION` */
  async read(driver: SqlDriver): Promise<readonly StoreAnswer[]> {
    const reads = [this.#actors(), this.#replies(), this.#messages()];
    const wanted = reads.filter((read) => read !== undefined);
    const results = wanted.length === 0 ? [] : await driver.snapshot(wanted);
    const [actors, replies, messages] = reads.map((read) =>
      read === undefined ? [] : resultOf(results, wanted.indexOf(read)),
    );
    const actorRows = new Map(actors!.map((row) => [latin1(bytesOf(row[KEY])), row]));
    const byActor = groupReplies(replies!);
    const stored = new Map(
      messages!.map((row) => {
        const message = storedMessage(row);
        return [message.id, message] as const;
      }),
    );
    return this.#queries.map(({ query, id }) => ({
      row: query.row ? actorOf(actorRows.get(id), query) : undefined,
      replies: found(query.keys, byActor.get(id)),
      messages: found(query.messages, stored),
    }));
  }

  #actors(): Sql | undefined {
    const keys = this.#queries.filter(({ query }) => query.row).map(({ key }) => key);
    if (keys.length === 0) return undefined;
    return sql`SELECT ${text(ACTOR_COLUMNS)},
      (SELECT count(*) FROM spawn_outbox o WHERE o.src = a.k AND o.lane IS NOT NULL)
      FROM spawn_actor a WHERE ${this.#dialect.among("k", "bytes", keys)}`;
  }

  #replies(): Sql | undefined {
    const rows = this.#queries.flatMap(({ query, key }) =>
      query.keys.map((name) => [key, Buffer.from(name)]),
    );
    if (rows.length === 0) return undefined;
    const given = this.#dialect.given({ name: "r", columns: { k: "bytes", id: "bytes" }, rows });
    return sql`SELECT ${text(REPLY_COLUMNS)}, i.k, i.id
      FROM ${given} JOIN spawn_inbox i ON i.k = r.k AND i.id = r.id`;
  }

  #messages(): Sql | undefined {
    const ids = this.#queries.flatMap(({ query }) => query.messages.map(idBytes));
    if (ids.length === 0) return undefined;
    return sql`SELECT ${text(MESSAGE_COLUMNS)} FROM spawn_outbox
      WHERE ${this.#dialect.among("id", "bytes", ids)}`;
  }
}

/** Where the key stands among {@link ACTOR_COLUMNS}, and key and id behind {@link REPLY_COLUMNS}. */
const KEY = 9;
const REPLY_OWNER = 6;
const REPLY_ID = 7;

const NOTHING: readonly never[] = [];

function resultOf(results: readonly SqlResult[], index: number): SqlResult["rows"] {
  return results[index]?.rows ?? [];
}

function actorOf(
  row: readonly unknown[] | undefined,
  { actor }: StoreQuery,
): StoredActor | undefined {
  return row === undefined ? undefined : storedActor(row, actor);
}

function groupReplies(
  rows: SqlResult["rows"],
): ReadonlyMap<string, ReadonlyMap<string, StoredReply>> {
  const byActor = new Map<string, Map<string, StoredReply>>();
  for (const row of rows) {
    const owner = latin1(bytesOf(row[REPLY_OWNER]));
    const reply = storedReply(textOf(row[REPLY_ID]), row);
    const replies = byActor.get(owner);
    if (replies === undefined) byActor.set(owner, new Map([[reply.key, reply]]));
    else replies.set(reply.key, reply);
  }
  return byActor;
}

function found<Found extends StoredReply | StoredMessage>(
  wanted: readonly string[],
  among: ReadonlyMap<string, Found> | undefined,
): readonly Found[] {
  if (wanted.length === 0 || among === undefined) return NOTHING;
  return wanted.flatMap((name) => among.get(name) ?? []);
}
