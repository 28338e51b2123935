/**
 * The statestore on a SQL database, written once: the port's methods, in statements that the dialect
 * spells and the driver carries.
 *
 * Any number of processes may have the database open; an etag decides every write, so nobody has to be
 * kept out, and a session that was killed leaves nothing that would have to be taken from it.
 */
import type { ActorId } from "../../engine/actor-id.ts";
import {
  type ActorsOf,
  type Commit,
  type RevisionInfo,
  type Statestore,
  type StoreAnswer,
  StoreFailure,
  type StoreHandle,
  type StoreQuery,
  type StoreSession,
  type StoredState,
} from "../../engine/statestore.ts";
import { SpawnError } from "../../engine/errors.ts";
import { checkKeyIds } from "../../engine/sealed-rows.ts";
import { handleOf, keyOfActor, keyOfDefinition } from "./actor-key.ts";
import { STATE_COLUMNS, storedState } from "./actor-rows.ts";
import {
  contradictsItself,
  independentScripts,
  type KeyedCommit,
  keyedCommit,
} from "./commit-group.ts";
import { walkWith } from "./actor-walk.ts";
import { checkCluster } from "./cluster-name.ts";
import { cannotBeOpened } from "./connecting.ts";
import type { CommitScript, Dialect, SqlDriver } from "./dialect.ts";
import { numberOf, textOf } from "./driver-values.ts";
import { LoadAnswers } from "./load-answers.ts";
import { migrate } from "./migrations.ts";
import { sql, type SqlResult, text } from "./sql.ts";
import { SqlQueries } from "./sql-queries.ts";
import { SqlMessages } from "./sql-messages.ts";
import { listKeys, SqlSealedRows } from "./sql-sealed.ts";
import { SqlSystemRows } from "./sql-systems.ts";
import { checkWritable } from "./write-permission.ts";

/** A kind of database, and how to reach this one. */
export interface SqlDatabase {
  readonly dialect: Dialect;
  /** For messages: no password in it. */
  readonly address: string;
  /** Connections that the driver has at most. */
  readonly connectionsMax: number;
  /** Loads the driver; a connection is made when there is something to say. */
  load(): Promise<SqlDriver>;
}

export class SqlStatestore implements Statestore {
  readonly #database: SqlDatabase;
  readonly #dialect: Dialect;
  readonly needsEncryption = true;
  readonly messages: SqlMessages;
  readonly queries: SqlQueries;
  readonly sealed: SqlSealedRows;
  readonly systems: SqlSystemRows;
  /** Open, or about to be: a second session would take the first one's connections with it when it ends. */
  #isTaken = false;
  #driver: SqlDriver | undefined;
  #owner = "";

  constructor(database: SqlDatabase) {
    this.#database = database;
    this.#dialect = database.dialect;
    this.messages = new SqlMessages(database.dialect, () => this.#open());
    this.queries = new SqlQueries(database.dialect, () => this.#open());
    this.sealed = new SqlSealedRows(database.dialect, () => this.#open());
    this.systems = new SqlSystemRows(database.dialect, () => this.#open(), database.connectionsMax);
  }

  async open(session: StoreSession): Promise<void> {
    if (this.#isTaken) throw this.#taken();
    this.#isTaken = true;
    try {
      this.#driver = await this.#connect(session);
    } catch (error) {
      this.#isTaken = false;
      throw error;
    }
    this.#owner = session.owner;
  }

  async #connect(session: StoreSession): Promise<SqlDriver> {
    const driver = await this.#database.load();
    try {
      for (const warning of await this.#dialect.check(driver)) session.onWarning?.(warning);
      await migrate(driver, this.#dialect.migrations);
      const stored = await listKeys(driver);
      checkKeyIds(
        stored.map(({ keyId }) => keyId),
        session.keyIds,
      );
      const { system, cluster } = session;
      if (system !== undefined) {
        await checkWritable(driver);
        await checkCluster(driver, this.#dialect, { system, cluster });
      }
    } catch (error) {
      await driver.close();
      throw cannotBeOpened(this.#database.address, error);
    }
    return driver;
  }

  #taken(): SpawnError {
    return new SpawnError(
      "STATESTORE_UNAVAILABLE",
      `the statestore of ${this.#database.address} is open already: expected a statestore of its own for each system, export and import`,
    );
  }

  async load(queries: readonly StoreQuery[]): Promise<readonly StoreAnswer[]> {
    const driver = this.#open();
    if (queries.length === 0) return [];
    return await new LoadAnswers(this.#dialect, queries).read(driver);
  }

  async commit(commits: readonly Commit[]): Promise<readonly (StoreHandle | undefined)[]> {
    const driver = this.#open();
    const handles: (StoreHandle | undefined)[] = commits.map(() => undefined);
    const candidates = commits.map(keyedCommit).filter(({ commit }) => !contradictsItself(commit));
    let isAnyApplied = false;
    for (const script of independentScripts(candidates, this.#dialect.commitRowsMax)) {
      try {
        for (const keyed of await this.#commitScript(driver, script)) {
          handles[keyed.index] = keyed.commit.handle ?? handleOf(keyed.key);
          isAnyApplied = true;
        }
      } catch (error) {
        throw isAnyApplied ? lessCertain(error) : error;
      }
    }
    return handles;
  }

  async listRevisions(actor: ActorId): Promise<readonly RevisionInfo[]> {
    const { rows } = await this.#open().query(
      sql`SELECT rev, at FROM spawn_history WHERE k = ${keyOfActor(actor)} ORDER BY rev DESC`,
    );
    return rows.map(([revision, at]) => ({ revision: numberOf(revision), at: numberOf(at) }));
  }

  async readRevision(actor: ActorId, revision: number): Promise<StoredState | undefined> {
    const { rows } = await this.#open().query(
      sql`SELECT ${text(STATE_COLUMNS)} FROM spawn_history
        WHERE k = ${keyOfActor(actor)} AND rev = ${revision}`,
    );
    return rows[0] === undefined ? undefined : storedState(rows[0]);
  }

  async listActors({ system, definition, after, limit }: ActorsOf): Promise<readonly string[]> {
    const last = after === undefined ? undefined : { system, definition, name: after };
    const { rows } = await walkWith(
      this.#dialect,
      this.#open(),
      sql`SELECT name FROM spawn_actor
        WHERE type = ${keyOfDefinition(system, definition)} AND flags % 2 = 0
          AND k > ${last === undefined ? new Uint8Array(0) : keyOfActor(last)}
        ORDER BY k ${this.#dialect.limit(limit)}`,
    );
    return rows.map(([name]) => textOf(name));
  }

  async prune(wall: number, limit: number): Promise<number> {
    return (await this.#open().query(this.#dialect.prune(wall, limit))).changed;
  }

  async close(): Promise<void> {
    const driver = this.#driver;
    this.#driver = undefined;
    if (driver !== undefined) this.#isTaken = false;
    await driver?.close();
  }

  #open(): SqlDriver {
    if (this.#driver === undefined) throw new StoreFailure("fatal", "the statestore is not open");
    return this.#driver;
  }

  /** The commits of a script that were applied. */
  async #commitScript(
    driver: SqlDriver,
    script: readonly KeyedCommit[],
  ): Promise<readonly KeyedCommit[]> {
    if (await this.#isAppliedTogether(driver, script)) return script;
    try {
      const isApplied = await this.#runScript(driver, this.#dialect.commit(this.#owner, script));
      return script.filter((_, index) => isApplied[index]);
    } catch (error) {
      if (!(error instanceof StoreFailure) || error.kind !== "rows") throw error;
      const found = script.length === 1 ? script : await this.#findImpossible(driver, script);
      // Each of them can be stored: it is too much for one script.
      if (found.length === 0) return await this.#commitHalves(driver, script);
      const rows = found.map(({ index }) => index);
      throw new StoreFailure("rows", error.message, { cause: error, rows });
    }
  }

  /** What fails together for a reason that is certain may still be applied in part, or in smaller pieces. */
  async #isAppliedTogether(driver: SqlDriver, script: readonly KeyedCommit[]): Promise<boolean> {
    const statements = this.#dialect.commitTogether?.(this.#owner, script);
    if (statements === undefined) return false;
    try {
      await driver.transaction(statements);
      return true;
    } catch (error) {
      if (error instanceof StoreFailure && isAboutContent(error)) return false;
      throw error;
    }
  }

  async #runScript(
    driver: SqlDriver,
    { statements, isApplied, rest }: CommitScript,
  ): Promise<readonly boolean[]> {
    if (rest === undefined) return isApplied(await driver.transaction(statements));
    return await driver.converse(async (transaction) => {
      const results: SqlResult[] = [];
      for (const statement of statements) results.push(await transaction.run(statement));
      const applied = isApplied(results);
      for (const statement of rest(applied)) await transaction.run(statement);
      return applied;
    });
  }

  async #commitHalves(
    driver: SqlDriver,
    script: readonly KeyedCommit[],
  ): Promise<readonly KeyedCommit[]> {
    const half = script.length >> 1;
    const applied = await this.#commitScript(driver, script.slice(0, half));
    try {
      return [...applied, ...(await this.#commitScript(driver, script.slice(half)))];
    } catch (error) {
      throw applied.length > 0 ? lessCertain(error) : error;
    }
  }

  /** Tries halves, and halves of them, without keeping what they change: finds what can never be stored. */
  async #findImpossible(
    driver: SqlDriver,
    script: readonly KeyedCommit[],
  ): Promise<readonly KeyedCommit[]> {
    try {
      await driver.rehearse(this.#dialect.commit(this.#owner, script).statements);
      return [];
    } catch (error) {
      if (!(error instanceof StoreFailure) || error.kind !== "rows") throw error;
      if (script.length === 1) return script;
      const half = script.length >> 1;
      return [
        ...(await this.#findImpossible(driver, script.slice(0, half))),
        ...(await this.#findImpossible(driver, script.slice(half))),
      ];
    }
  }
}

/** Whether it was answered because of what was asked for, not of when. */
function isAboutContent({ kind }: StoreFailure): boolean {
  return kind === "rows" || kind === "fatal";
}

/**
 * A failure after which other commits of the group are applied all the same. They are refused when the
 * group comes again, and then the rows tell.
 */
function lessCertain(error: unknown): unknown {
  if (!(error instanceof StoreFailure)) return error;
  return new StoreFailure("ambiguous", error.message, { cause: error });
}
