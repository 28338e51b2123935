/** Rows that cannot be read or used, as people are told of them. */
import { formatActorId } from "./actor-id.ts";
import type { ActorId } from "./actor-id.ts";
import type { DamagedRow, RowKind } from "./damaged-rows.ts";
import type { SealableRow } from "./sealed-rows.ts";
import type { SystemRow } from "./system-rows.ts";

/** A row that could not be read. */
export interface UnreadableRow {
  /** For example `the state of shop/cart/42`. */
  readonly what: string;
  /** Why it cannot be read, in a sentence that begins with {@link UnreadableRow.what}. */
  readonly reason: string;
}

export function damageOf(row: DamagedRow): UnreadableRow {
  const what = describeRow(row);
  return { what, reason: `${what} is damaged: ${row.problem}` };
}

/** A row in a text. */
export function describeRow(row: SystemRow | SealableRow | DamagedRow): string {
  switch (row.kind) {
    case "damaged":
      return describe(row.of, row.actor, row.key);
    case "state":
      return describe(row.kind, row.actor, "");
    case "revision":
      return describe(row.kind, row.actor, row.stored.revision);
    case "index":
      return describe(row.kind, row.actor, row.stored.field);
    case "reply":
      return describe(row.kind, row.actor, row.stored.key);
    case "message":
    case "parked":
      return describe(row.kind, undefined, row.stored.id);
  }
}

function describe(kind: RowKind, actor: ActorId | undefined, key: string | number): string {
  const of = actor === undefined ? "an actor" : formatActorId(actor);
  switch (kind) {
    case "state":
      return `the state of ${of}`;
    case "revision":
      return `revision ${key} of ${of}`;
    case "index":
      return `an index entry of ${of} (field ${JSON.stringify(key)})`;
    case "reply":
      return `a stored reply of ${of} (key ${JSON.stringify(key)})`;
    case "message":
      return `the message ${key}`;
    case "parked":
      return `the parked message ${key}`;
  }
}
