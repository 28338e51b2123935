/**
 * A group of commits as a script, for databases that cannot do it in one statement.
 *
 * Each row is updated or made by a statement of its own that has all conditions of the commit, and
 * leaves in a variable whether they held; what belongs to the commit asks that variable. So the script
 * needs no answer before its end and goes in one round trip. Rows come in the order of their keys, so
 * that two scripts do not wait for one another.
 */
import type { Commit } from "../../engine/statestore.ts";
import { keyOfDefinition } from "./actor-key.ts";
import { keyBytes } from "./actor-walk.ts";
import { flagsOf, replyStatus, tagsText } from "./actor-rows.ts";
import { CODEC_JSON } from "../stored-codec.ts";
import type { KeyedCommit } from "./commit-group.ts";
import type { CommitScript, Dialect } from "./dialect.ts";
import { areThese, idBytes } from "./message-rows.ts";
import { IS_TIMER } from "../message-flags.ts";
import { type SealableColumns, sealableColumns } from "./sealed-columns.ts";
import { insertMessages, lockMessages } from "./sql-messages.ts";
import { joined, type Sql, sql, type SqlResult, text } from "./sql.ts";

/** What the parts of commits are written with. */
export interface PartsDialect extends Pick<
  Dialect,
  "among" | "given" | "givenRowsMax" | "orLeave" | "lock"
> {
  /** Where a SELECT without a table reads from, when it has conditions. */
  readonly nowhere: Sql;
  /** The oldest revisions of an actor go, all but the newest `kept`, if `condition` holds. */
  trimHistory(history: { readonly key: Uint8Array; readonly kept: number }, condition: Sql): Sql;
  /** The revisions of an actor go that are older than the newest one from `since` or before, if `condition` holds. */
  ageHistory(history: { readonly key: Uint8Array; readonly since: number }, condition: Sql): Sql;
}

/** What scripts are written with. */
export interface ScriptDialect extends PartsDialect {
  /** Remembers whether the statement before it changed a row. */
  remember(name: string): Sql;
  /** The condition that it did. */
  remembered(name: string): Sql;
}

export function commitScript(
  dialect: ScriptDialect,
  owner: string,
  commits: readonly KeyedCommit[],
): CommitScript {
  const builder = new ScriptBuilder(dialect, owner);
  const order = [...commits.keys()].toSorted((a, b) => commits[a]!.key.compare(commits[b]!.key));
  const removed = commits.flatMap(({ commit }) => removedBy(commit));
  if (removed.length > 0) builder.statements.push(lockMessages(dialect, removed));
  const decisive = new Map<number, number>();
  for (const index of order) decisive.set(index, builder.add(commits[index]!, `c${index}`));
  // As in a group that is applied together: messages are stored in the order of the group.
  for (const [index, { commit }] of commits.entries()) builder.send(commit, `c${index}`);
  return {
    statements: builder.statements,
    isApplied: (results: readonly SqlResult[]) =>
      commits.map((_, index) => results[decisive.get(index)!]!.changed === 1),
  };
}

class ScriptBuilder {
  readonly statements: Sql[] = [];
  readonly #dialect: ScriptDialect;
  readonly #owner: string;

  constructor(dialect: ScriptDialect, owner: string) {
    this.#dialect = dialect;
    this.#owner = owner;
  }

  /** Adds the statements of a commit; answers where the one is that decides. */
  add(keyed: KeyedCommit, variable: string): number {
    const isCreate = keyed.commit.handle === undefined;
    const kept = keptBy(keyed);
    const conditions = this.#conditions(keyed);
    if (kept > 0) this.statements.push(this.#keepRevision(keyed, conditions));
    const decisive = this.statements.push(
      isCreate ? this.#create(keyed, conditions) : this.#update(keyed, { conditions, kept }),
    );
    const isApplied = this.#dialect.remembered(variable);
    const parts = ownParts(this.#dialect, keyed, isApplied);
    if (parts.length > 0 || keyed.commit.sends.length > 0)
      this.statements.push(this.#dialect.remember(variable), ...parts);
    return decisive - 1;
  }

  /** Adds the messages of a commit that was added. */
  send({ sends }: Commit, variable: string): void {
    if (sends.length === 0) return;
    const isApplied = this.#dialect.remembered(variable);
    this.statements.push(...insertMessages(this.#dialect, sends, isApplied));
  }

  /** What beside the etag can refuse it. */
  #conditions({ commit, key }: KeyedCommit): Sql {
    const conditions: Sql[] = [sql`1 = 1`];
    if (commit.replies.length > 0) {
      const keys = commit.replies.map((reply) => Buffer.from(reply.key));
      const known = this.#dialect.among("i.id", "bytes", keys);
      conditions.push(
        sql`NOT EXISTS (SELECT 1 FROM spawn_inbox i WHERE i.k = ${key} AND ${known})`,
      );
    }
    if (commit.consumes.length > 0) {
      const stored = areThese("o", commit.consumes);
      conditions.push(
        sql`(SELECT count(*) FROM spawn_outbox o WHERE ${stored}) = ${commit.consumes.length}`,
      );
    }
    return joined(conditions, " AND ");
  }

  #keepRevision({ commit, key }: KeyedCommit, conditions: Sql): Sql {
    return sql`INSERT INTO spawn_history (k, rev, etag, at, codec, state_version, tags, flags, key_id, state)
      SELECT a.k, a.rev, a.etag, a.at, a.codec, a.state_version, a.tags, a.flags, a.key_id, a.state FROM spawn_actor a ${this.#dialect.lock.hint}
      WHERE a.k = ${key} AND a.etag = ${etagBytes(commit.previous)} AND a.state IS NOT NULL
        AND ${conditions} ${this.#dialect.lock.ending}`;
  }

  /** Some databases see what was set before, from left to right; so what asks for the old values comes first. */
  #update(
    { commit, key }: KeyedCommit,
    { conditions, kept }: { readonly conditions: Sql; readonly kept: number },
  ): Sql {
    const owner = this.#owner;
    const keptAt = commit.isDelete
      ? sql`NULL`
      : kept > 0
        ? sql`CASE WHEN state IS NULL THEN kept_at ELSE ${commit.at} END`
        : sql`kept_at`;
    const [keyId, state] = stateOf(commit);
    return sql`UPDATE spawn_actor SET kept_at = ${keptAt},
        epoch = CASE WHEN owner = ${owner} THEN epoch ELSE epoch + 1 END,
        base_etag = CASE WHEN owner = ${owner} THEN base_etag ELSE etag END,
        owner = ${owner}, etag = ${etagBytes(commit.etag)}, flags = ${flagsOf(commit)},
        key_id = ${keyId}, state = ${state}, codec = ${CODEC_JSON}, state_version = ${commit.stateVersion},
        tags = ${tagsText(commit.tags)}, rev = ${commit.revision}, at = ${commit.at}
      WHERE k = ${key} AND etag = ${etagBytes(commit.previous)} AND ${conditions}`;
  }

  #create({ commit, key }: KeyedCommit, conditions: Sql): Sql {
    const { system, definition, name } = commit.actor;
    const [keyId, state] = stateOf(commit);
    return sql`INSERT INTO spawn_actor (k, "system", definition, name, type, etag, flags, key_id, state, codec,
        state_version, tags, rev, at, epoch, owner)
      SELECT ${key}, ${system}, ${definition}, ${name}, ${keyOfDefinition(system, definition)},
        ${etagBytes(commit.etag)}, ${flagsOf(commit)}, ${keyId}, ${state}, ${CODEC_JSON},
        ${commit.stateVersion}, ${tagsText(commit.tags)}, ${commit.revision}, ${commit.at}, 1,
        ${this.#owner} ${this.#dialect.nowhere} WHERE ${conditions}
      ${this.#dialect.orLeave("spawn_actor", "k")}`;
  }
}

/** What belongs to a commit, in the order in which it happens, if `isApplied` holds. */
export function partsOf(dialect: PartsDialect, keyed: KeyedCommit, isApplied: Sql): readonly Sql[] {
  const { sends } = keyed.commit;
  const own = ownParts(dialect, keyed, isApplied);
  return sends.length === 0 ? own : [...own, ...insertMessages(dialect, sends, isApplied)];
}

/** All of that but the messages that it sends. */
function ownParts(dialect: PartsDialect, keyed: KeyedCommit, isApplied: Sql): readonly Sql[] {
  const { commit, key } = keyed;
  const parts: Sql[] = [];
  const { replies, isDelete } = commit;
  const removed = removedBy(commit);
  if (removed.length > 0) {
    const among = dialect.among("id", "bytes", removed.map(idBytes));
    parts.push(sql`DELETE FROM spawn_outbox WHERE ${isApplied} AND ${among}`);
  }
  if (isDelete) {
    const isTimer = text(`flags & ${IS_TIMER} <> 0`);
    parts.push(
      sql`DELETE FROM spawn_history WHERE ${isApplied} AND k = ${key}`,
      sql`DELETE FROM spawn_index WHERE ${isApplied} AND k = ${key}`,
      sql`DELETE FROM spawn_inbox WHERE ${isApplied} AND k = ${key}`,
      sql`DELETE FROM spawn_outbox WHERE ${isApplied} AND src = ${key} AND ${isTimer}`,
    );
  }
  if (commit.index !== undefined) parts.push(...indexParts(dialect, keyed, isApplied));
  for (const reply of replies) {
    const isDropped = reply.reply === undefined ? 1 : 0;
    const [keyId, value] = sealableColumns(reply.reply);
    parts.push(sql`INSERT INTO spawn_inbox (k, id, fingerprint, status, key_id, reply, is_dropped, expire_at)
      SELECT ${key}, ${Buffer.from(reply.key)}, ${reply.fingerprint}, ${replyStatus(reply)},
        ${keyId}, ${value}, ${isDropped}, ${reply.expiresAt} ${dialect.nowhere}
      WHERE ${isApplied}`);
  }
  const kept = keptBy(keyed);
  if (kept > 0) parts.push(dialect.trimHistory({ key, kept }, isApplied));
  const since = commit.revisionsSince;
  if (kept > 0 && since !== undefined) parts.push(dialect.ageHistory({ key, since }, isApplied));
  return parts;
}

/** A row that is made has no entries yet. */
function indexParts(
  dialect: PartsDialect,
  { commit, key }: KeyedCommit,
  isApplied: Sql,
): readonly Sql[] {
  const { system, definition } = commit.actor;
  const type = keyOfDefinition(system, definition);
  const inserts = (commit.index ?? []).map(
    ({ field, value }) => sql`INSERT INTO spawn_index (k, field, type, value)
      SELECT ${key}, ${field}, ${type}, ${keyBytes(value)} ${dialect.nowhere} WHERE ${isApplied}`,
  );
  if (commit.handle === undefined) return inserts;
  return [sql`DELETE FROM spawn_index WHERE ${isApplied} AND k = ${key}`, ...inserts];
}

/** How many revisions the history holds after the superseded state was put into it; 0: it is not. */
export function keptBy({ commit }: KeyedCommit): number {
  return commit.handle === undefined || commit.isDelete ? 0 : commit.revisionsKept;
}

/** Ids of what it consumes, which is what it says when the commit is applied, and of what it cancels. */
export function removedBy({ consumes, cancels }: Commit): readonly string[] {
  if (consumes.length === 0) return cancels;
  return [...consumes.map(({ id }) => id), ...cancels];
}

export function stateOf({ isDelete, state }: Commit): SealableColumns {
  return sealableColumns(isDelete ? undefined : state);
}

export function etagBytes(etag: string | undefined): Uint8Array | null {
  return etag === undefined ? null : Buffer.from(etag, "latin1");
}
