/**
 * PORT: everything that is stored of one actor system, to carry it to another statestore.
 *
 * Rows are carried as they are: sealed values stay sealed, etags stay what they were. A mark says
 * that a system is being imported, so that half of one is never taken for the whole.
 */
import type { ActorId } from "./actor-id.ts";
import { askedToRead } from "./asked-store.ts";
import type { DamagedRow } from "./damaged-rows.ts";
import { SpawnError } from "./errors.ts";
import type { IndexEntry } from "./values/index-values.ts";
import type { Message, ParkedMessage, StoredMessage } from "./message-store.ts";
import { sealableValue } from "./sealed-rows.ts";
import type { Statestore, StoredActor, StoredReply, StoredState } from "./statestore.ts";

/** The row of an actor, without what is meant for one statestore only. */
export type ActorRow = Omit<StoredActor, "handle" | "unsent">;

/** A message as it waits, with all that decides when it is claimed. */
export interface WaitingMessage extends StoredMessage {
  /** Whether it was claimed, and how that ended was not told since. */
  readonly isUnanswered: boolean;
}

/** Something that is stored of a system. */
export type SystemRow =
  | { readonly kind: "state"; readonly actor: ActorId; readonly stored: ActorRow }
  | { readonly kind: "revision"; readonly actor: ActorId; readonly stored: StoredState }
  | { readonly kind: "index"; readonly actor: ActorId; readonly stored: IndexEntry }
  | { readonly kind: "reply"; readonly actor: ActorId; readonly stored: StoredReply }
  | { readonly kind: "message"; readonly stored: WaitingMessage }
  | { readonly kind: "parked"; readonly stored: ParkedMessage };

/** A row as it is found: it may be damaged. */
export type FoundRow = SystemRow | DamagedRow;

/** What of the row may be sealed, or large. */
export function valueOfRow(row: FoundRow): ReturnType<typeof sealableValue> {
  return row.kind === "index" || row.kind === "damaged" ? undefined : sealableValue(row);
}

/** What has to be removed of a system's rows: all else goes with its actor. */
export interface RemovableRows {
  readonly actors: readonly ActorId[];
  /** Ids of messages. */
  readonly messages: readonly string[];
  readonly parked: readonly string[];
}

/** What of rows that were found is removed by itself; what may be another system's stays. */
export function removableOf(rows: readonly FoundRow[]): RemovableRows {
  const idsOf = (kind: "message" | "parked"): readonly string[] =>
    rows.flatMap((row) => {
      if (row.kind === kind) return [row.stored.id];
      return row.kind === "damaged" && row.of === kind && row.isOwn ? [row.key] : [];
    });
  return {
    actors: rows.flatMap((row) => (row.kind === "state" ? [row.actor] : [])),
    messages: idsOf("message"),
    parked: idsOf("parked"),
  };
}

/** How far the import of a system has come. */
export interface ImportMark {
  /** Which export is imported. */
  readonly id: string;
  /** `clearing`: what was there before is removed. `adding`: rows come. `finished`: all have come. */
  readonly phase: "clearing" | "adding" | "finished";
}

/** The rows of a system, as those see them who carry them. Fails as the statestore does. */
export interface SystemRows {
  /**
   * Everything of a system as it is at one moment, in parts of bounded size: first the actors with
   * their revisions, index entries and replies, where no row comes before its actor's, deleted actors too; then the
   * messages, in the order in which they were stored; then those that were given up. A message belongs
   * to the system of its source, or of its target when it has none.
   *
   * Of an actor whose state or tags are damaged it gives the rest, with the problem; of any other row that is
   * damaged its place. A message that names neither actor may be of any system, so every one is told of it.
   */
  read(system: string): AsyncIterable<readonly FoundRow[]>;

  /**
   * Adds rows as they are; those that are there already, by their names, revisions, fields, keys and ids, are
   * left as they are, so that it may be repeated. A row comes after its actor's. Messages are behind all
   * others, in order.
   */
  add(rows: readonly SystemRow[]): Promise<void>;

  /**
   * Removes rows that were read: an actor with its revisions, replies and index, messages, parked messages, damaged
   * ones too, unless they may be another system's.
   */
  remove(rows: readonly FoundRow[]): Promise<void>;

  /** How far the last import of a system has come; `undefined` if there was none. */
  readMark(system: string): Promise<ImportMark | undefined>;

  writeMark(system: string, mark: ImportMark): Promise<void>;
}

/** Which system a message belongs to. */
export function systemOf({ source, target }: Pick<Message, "source" | "target">): string {
  return (source ?? target).system;
}

/**
 * Refuses to start or to export a system that is imported in part.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE`
 */
export async function checkImported(system: string, store: Statestore): Promise<void> {
  const what = `it cannot be known whether ${system} is imported in part`;
  const mark = await askedToRead(store.systems.readMark(system), what);
  if (mark === undefined || mark.phase === "finished") return;
  throw new SpawnError(
    "STATESTORE_UNAVAILABLE",
    `the statestore holds only a part of ${system}: an import of it has begun and not ended; run that import again from the start of its file`,
  );
}
