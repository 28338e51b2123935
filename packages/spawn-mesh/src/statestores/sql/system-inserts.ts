/** Rows of a system from elsewhere, as statements that leave what is there already as it is. */
import type { ActorId } from "../../engine/actor-id.ts";
import type { StoredReply, StoredState } from "../../engine/statestore.ts";
import type { ActorRow, SystemRow } from "../../engine/system-rows.ts";
import { keyOfActor, keyOfDefinition } from "./actor-key.ts";
import { IS_DELETED, replyStatus, stateFlags, tagsText } from "./actor-rows.ts";
import { CODEC_JSON } from "../stored-codec.ts";
import type { ColumnType, Dialect, MissingRows } from "./dialect.ts";
import { SENT_COLUMNS, sentRow } from "./message-rows.ts";
import { sealableColumns } from "./sealed-columns.ts";
import { joined, type Sql, sql, type SqlValue, text } from "./sql.ts";

type Columns = Readonly<Record<string, ColumnType>>;
type Row = readonly SqlValue[];

/** Where rows go. */
type Target = Omit<MissingRows, "rows">;

const STATE: Columns = {
  k: "bytes",
  rev: "bigint",
  etag: "bytes",
  at: "bigint",
  codec: "int",
  state_version: "int",
  flags: "int",
  tags: "text",
  key_id: "text",
  state: "bytes",
};

const TRIED: Columns = { ...SENT_COLUMNS, attempts: "bigint", error: "text" };

const targets: Readonly<Record<SystemRow["kind"], Target>> = {
  state: {
    table: "spawn_actor",
    columns: {
      ...STATE,
      '"system"': "text",
      definition: "text",
      name: "text",
      type: "bytes",
      base_etag: "bytes",
      epoch: "bigint",
      owner: "text",
      kept_at: "bigint",
    },
    key: ["k"],
  },
  revision: {
    table: "spawn_history",
    columns: STATE,
    key: ["k", "rev"],
  },
  index: {
    table: "spawn_index",
    columns: { k: "bytes", field: "text", type: "bytes", value: "bytes" },
    key: ["k", "field"],
  },
  reply: {
    table: "spawn_inbox",
    columns: {
      k: "bytes",
      id: "bytes",
      fingerprint: "text",
      status: "int",
      key_id: "text",
      reply: "bytes",
      is_dropped: "int",
      expire_at: "bigint",
    },
    key: ["k", "id"],
  },
  message: {
    table: "spawn_outbox",
    columns: { ...TRIED, is_unanswered: "int" },
    key: ["id"],
    elsewhere: "spawn_parked",
  },
  parked: {
    table: "spawn_parked",
    columns: { ...TRIED, parked_at: "bigint" },
    key: ["id"],
    elsewhere: "spawn_outbox",
  },
};

const ORDER: readonly SystemRow["kind"][] = [
  "state",
  "revision",
  "index",
  "reply",
  "message",
  "parked",
];

export function insertSystemRows(dialect: Dialect, rows: readonly SystemRow[]): readonly Sql[] {
  return ORDER.flatMap((kind) => {
    const inputs = rows.filter((row) => row.kind === kind).map(inputsOf);
    return insertMissing(dialect, { ...targets[kind], rows: inputs });
  });
}

function insertMissing(dialect: Dialect, missing: MissingRows): readonly Sql[] {
  if (dialect.addMissing !== undefined) return dialect.addMissing(missing);
  const { rows, ...target } = missing;
  const statements: Sql[] = [];
  for (let first = 0; first < rows.length; first += dialect.givenRowsMax) {
    const some = rows.slice(first, first + dialect.givenRowsMax);
    statements.push(insertGiven(dialect, { ...target, rows: some }));
  }
  return statements;
}

function insertGiven(dialect: Dialect, { table, columns, rows, key, elsewhere }: MissingRows): Sql {
  const given = dialect.given({
    name: "r",
    columns: Object.fromEntries([
      ["place", "int"],
      ...Object.entries(columns).map(([column, type]) => [givenName(column), type]),
    ]) as Columns,
    rows: rows.map((row, place) => [place, ...row]),
  });
  const names = Object.keys(columns);
  const isThere = key.map((column) => `x.${column} = r.${givenName(column)}`).join(" AND ");
  const missing = [table, ...(elsewhere === undefined ? [] : [elsewhere])].map((each) =>
    text(`NOT EXISTS (SELECT 1 FROM ${each} x WHERE ${isThere})`),
  );
  return sql`INSERT INTO ${text(table)} (${text(names.join(", "))})
    SELECT ${text(names.map((name) => `r.${givenName(name)}`).join(", "))} FROM ${given}
    WHERE ${joined(missing, " AND ")} ORDER BY r.place`;
}

/** Some names of columns are words of some databases. */
function givenName(column: string): string {
  return `v_${column.replaceAll('"', "")}`;
}

/** The values of a row, in the order of its target's columns. */
function inputsOf(row: SystemRow): Row {
  switch (row.kind) {
    case "state":
      return actorInputs(row.actor, row.stored);
    case "revision":
      return stateInputs(row.actor, row.stored, stateFlags(row.stored.state));
    case "index": {
      const { system, definition } = row.actor;
      const { field, value } = row.stored;
      const type = keyOfDefinition(system, definition);
      return [keyOfActor(row.actor), field, type, Buffer.from(value, "latin1")];
    }
    case "reply":
      return replyInputs(row.actor, row.stored);
    case "message": {
      const { attempts, error, isUnanswered } = row.stored;
      return [...sentRow(row.stored), attempts, error ?? null, isUnanswered ? 1 : 0];
    }
    case "parked": {
      const { attempts, error, parkedAt } = row.stored;
      return [...sentRow(row.stored), attempts, error, parkedAt];
    }
  }
}

function actorInputs(actor: ActorId, stored: ActorRow): Row {
  const { baseEtag, epoch, owner, keptAt, isDeleted } = stored;
  const { system, definition, name } = actor;
  const flags = stateFlags(stored.state) | (isDeleted ? IS_DELETED : 0);
  const base = baseEtag === undefined ? null : Buffer.from(baseEtag, "latin1");
  const names = [system, definition, name, keyOfDefinition(system, definition)];
  return [...stateInputs(actor, stored, flags), ...names, base, epoch, owner, keptAt ?? null];
}

function stateInputs(actor: ActorId, stored: StoredState, flags: number): Row {
  const { revision, etag, at, stateVersion, tags, state } = stored;
  const [keyId, value] = sealableColumns(state);
  const decisive = [keyOfActor(actor), revision, Buffer.from(etag, "latin1"), at];
  return [...decisive, CODEC_JSON, stateVersion, flags, tagsText(tags), keyId, value];
}

function replyInputs(actor: ActorId, stored: StoredReply): Row {
  const { key, fingerprint, reply, expiresAt } = stored;
  const [keyId, value] = sealableColumns(reply);
  const isDropped = reply === undefined ? 1 : 0;
  const found = [keyOfActor(actor), Buffer.from(key), fingerprint, replyStatus(stored)];
  return [...found, keyId, value, isDropped, expiresAt];
}
