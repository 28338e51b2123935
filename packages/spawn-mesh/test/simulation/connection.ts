/**
 * One incarnation's way to the database, with everything that goes wrong on it.
 *
 * Requests and answers are events: a request reaches the database whatever has become of its sender,
 * an answer reaches its receiver only while that lives and is awake.
 */
import type { ActorId } from "../../src/engine/actor-id.ts";
import type { ActorQueries } from "../../src/engine/actor-queries.ts";
import type { Clock } from "../../src/engine/clock.ts";
import { SpawnError } from "../../src/engine/errors.ts";
import type { Limits } from "../../src/engine/limits.ts";
import type { MessageStore } from "../../src/engine/message-store.ts";
import { StoreFailure } from "../../src/engine/statestore.ts";
import type {
  ActorsOf,
  Commit,
  RevisionInfo,
  Statestore,
  StoreAnswer,
  StoredState,
  StoreHandle,
  StoreQuery,
  StoreSession,
} from "../../src/engine/statestore.ts";
import { actorKey } from "./database.ts";
import type { Database, Session } from "./database.ts";
import { messageWay, read } from "./message-way.ts";
import { queryWay } from "./query-way.ts";
import { PATIENCE_MS_MAX, PATIENCE_MS_MIN, loadFailure } from "./request-faults.ts";
import type { World } from "./world.ts";

/** The engine also asks, in a load of its own, whether messages of so many actors are left. */
const SOURCES_IN_A_LOAD = 128;
const DELAYED_LOAD_MS_MAX = 1_500;
/** An actor whose row belongs to another name. */
export const CURSED = "cursed";

type Handles = readonly (StoreHandle | undefined)[];

export interface ConnectionParts {
  readonly world: World;
  readonly database: Database;
  readonly label: string;
  readonly limits: Limits;
  readonly ghostMsMax: number;
  readonly isExclusive: boolean;
  /** The incarnation's own clock: stands still while it is paused, and for ever when it is dead. */
  readonly clock: Clock;
}

export class Connection implements Statestore {
  readonly #parts: ConnectionParts;
  readonly #loaded = new Set<string>();
  readonly #foundReplies = new Set<string>();
  /** Commits whose answer was lost, by actor; for the statistics of how they were resolved. */
  readonly #ambiguous = new Map<string, { commit: Commit; isRefused: boolean }>();
  readonly messages: MessageStore;
  readonly queries: ActorQueries;
  #session: Session = { label: "", id: "" };
  #loads = 0;
  #commits = 0;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.messages = messageWay(parts, () => parts.database.messages(this.#session));
    this.queries = queryWay(parts, () => parts.database.queries(this.#session));
  }

  /** Whether the incarnation ever had an answer about this actor's row, or found a stored reply. */
  hasLoaded(actor: string): boolean {
    return this.#loaded.has(actor) || this.#foundReplies.has(actor);
  }

  async open({ owner }: StoreSession): Promise<void> {
    this.#session = { label: this.#parts.label, id: owner };
    this.#parts.database.open(this.#session);
  }

  async close(): Promise<void> {
    this.#parts.world.note(`${this.#parts.label} closed`);
  }

  readonly needsEncryption = false;

  get sealed() {
    return this.#parts.database.sealed;
  }

  get systems() {
    return this.#parts.database.systems;
  }

  listActors(of: ActorsOf): Promise<readonly string[]> {
    const { database } = this.#parts;
    return read(this.#parts, () => database.listActors(this.#session, of));
  }

  listRevisions(actor: ActorId): Promise<readonly RevisionInfo[]> {
    const { database } = this.#parts;
    return read(this.#parts, () => database.listRevisions(this.#session, actor));
  }

  readRevision(actor: ActorId, revision: number): Promise<StoredState | undefined> {
    const { database } = this.#parts;
    return read(this.#parts, () => database.readRevision(this.#session, actor, revision));
  }

  async prune(wall: number, limit: number): Promise<number> {
    return await this.#parts.database.prune(this.#session, wall, limit);
  }

  // Loads.

  async load(queries: readonly StoreQuery[]): Promise<readonly StoreAnswer[]> {
    const { world, limits, label } = this.#parts;
    world.peak(
      "loads in flight",
      limits.loadsInFlightMax +
        limits.commitsInFlightMax +
        1 +
        world.restoring +
        world.recollecting,
      ++this.#loads,
    );
    world.peak(
      "actors in a load",
      Math.max(limits.loadRowsMax, limits.commitRowsMax, SOURCES_IN_A_LOAD),
      queries.length,
    );
    try {
      const answers = await this.#ask(queries);
      for (const [index, query] of queries.entries()) this.#shown(query, answers[index]!);
      return answers;
    } catch (error) {
      world.note(`${label}: load failed: ${String(error)}`);
      throw error;
    } finally {
      this.#loads--;
    }
  }

  #ask(queries: readonly StoreQuery[]): Promise<readonly StoreAnswer[]> {
    const { world, database, clock, isExclusive } = this.#parts;
    const { choices } = world;
    return new Promise((resolve, reject) => {
      const back = database.latencyMs();
      const fail = (error: Error): void => void clock.timer(back, () => reject(error));
      if (queries.some(({ actor }) => actor.name === CURSED)) {
        return fail(new SpawnError("KEY_COLLISION", "the row belongs to another name"));
      }
      if (database.isOut) return fail(new StoreFailure("retry", "no connection"));
      if (database.strikes("load-error")) return fail(loadFailure(world, isExclusive));
      const isDelayed = database.strikes("load-delayed");
      if (isDelayed) world.count("fault load-delayed");
      const late = isDelayed ? choices.between(1, DELAYED_LOAD_MS_MAX) : 0;
      world.clock.timer(database.latencyMs(), () => {
        database
          .load(this.#session, queries)
          .then((answers) => void clock.timer(back + late, () => resolve(answers)), fail);
      });
    });
  }

  #shown({ actor, row: isRowWanted }: StoreQuery, { row, replies }: StoreAnswer): void {
    const { world, label } = this.#parts;
    const key = actorKey(actor);
    if (replies.some(({ kind }) => kind === "continued")) world.count("keyed chain followed");
    if (replies.length > 0) {
      world.count("found by its key");
      this.#foundReplies.add(key);
    }
    if (!isRowWanted) return;
    this.#loaded.add(key);
    world.sessions.push({ type: "shown", owner: label, actor: key, etag: row?.etag });
    const doubtful = this.#ambiguous.get(key);
    if (doubtful === undefined) return;
    this.#ambiguous.delete(key);
    const { etag, previous } = doubtful.commit;
    const isOvertaken = row?.baseEtag === previous && row?.owner !== this.#session.id;
    if (row?.etag === etag) world.count("ambiguous: yes, by the row");
    else if (row?.baseEtag === etag) world.count("ambiguous: yes, by the base etag");
    else if (!doubtful.isRefused) world.count("ambiguous: unknown, given up");
    else if (row?.etag === previous) world.count("ambiguous: no, a key was there");
    else if (isOvertaken) world.count("ambiguous: no, overtaken");
    else world.count("ambiguous: unknown, several owners since");
  }

  // Commits.

  async commit(commits: readonly Commit[]): Promise<Handles> {
    const { world, limits } = this.#parts;
    world.peak("group commits in flight", limits.commitsInFlightMax, ++this.#commits);
    world.peak("actors in a group commit", limits.commitRowsMax, commits.length);
    for (const commit of commits) this.#sent(commit);
    try {
      const handles = await new Promise<Handles>((resolve, reject) => {
        this.#send(commits, { resolve, reject });
      });
      for (const [index, commit] of commits.entries()) {
        this.#answered(commit, handles[index] !== undefined);
      }
      return handles;
    } catch (error) {
      const failure = error instanceof StoreFailure ? error : undefined;
      const isAmbiguous = failure === undefined || failure.kind === "ambiguous";
      for (const [index, commit] of commits.entries()) {
        if (failure?.rows.includes(index) === true) this.#impossible(commit);
        else this.#failed(commit, isAmbiguous);
      }
      throw error;
    } finally {
      this.#commits--;
    }
  }

  #send(
    commits: readonly Commit[],
    answer: { resolve(handles: Handles): void; reject(error: unknown): void },
  ): void {
    const { world, database, clock, ghostMsMax } = this.#parts;
    const { choices } = world;
    const there = database.latencyMs();
    const back = database.latencyMs();
    const lose = (): void => {
      const patienceMs = choices.between(PATIENCE_MS_MIN, PATIENCE_MS_MAX);
      const isTyped = !database.strikes("untyped-error");
      if (!isTyped) world.count("fault untyped-error");
      const error = isTyped ? new StoreFailure("ambiguous", "no answer") : new Error("socket");
      clock.timer(there + back + patienceMs, () => answer.reject(error));
    };
    const deliver = {
      handles: (handles: Handles) => void clock.timer(back, () => answer.resolve(handles)),
      failure: (error: unknown) => void clock.timer(back, () => answer.reject(error)),
    };
    if (database.isOut) {
      if (choices.chance(0.3)) return lose();
      return deliver.failure(new StoreFailure("retry", "no connection"));
    }
    if (database.strikes("lost-request")) {
      world.count("fault lost-request");
      return lose();
    }
    if (database.strikes("lost-answer")) {
      world.count("fault lost-answer");
      lose();
      return this.#apply(there, commits);
    }
    if (database.strikes("ghost")) {
      world.count("fault ghost");
      lose();
      return this.#apply(there + choices.between(PATIENCE_MS_MIN, ghostMsMax), commits);
    }
    if (!database.strikes("duplicate")) return this.#apply(there, commits, deliver);
    world.count("fault duplicate");
    // Whatever the one that is heard says, it cannot say that the other is not applied.
    const failure = (): void => deliver.failure(new StoreFailure("ambiguous", "sent twice"));
    const heard = { ...deliver, failure };
    const isFirstHeard = choices.chance(0.5);
    this.#apply(there, commits, isFirstHeard ? heard : undefined);
    this.#apply(there + choices.between(0, 200), commits, isFirstHeard ? undefined : heard);
  }

  /** Lets the commits reach the database after a while, whoever is alive then. */
  #apply(
    afterMs: number,
    commits: readonly Commit[],
    deliver?: { handles(handles: Handles): void; failure(error: unknown): void },
  ): void {
    const { world, database } = this.#parts;
    database.underWay++;
    world.clock.timer(afterMs, () => {
      database.underWay--;
      database.commit(this.#session, commits).then(
        (handles) => deliver?.handles(handles),
        (error: unknown) => deliver?.failure(error),
      );
    });
  }

  #sent(commit: Commit): void {
    const { world, label } = this.#parts;
    const { etag, previous } = commit;
    const actor = actorKey(commit.actor);
    world.sessions.push({ type: "sent", owner: label, actor, etag, previous });
    if (!this.#loaded.has(actor)) world.unloaded.push(`${label} committed ${actor}`);
  }

  #answered(commit: Commit, isCommitted: boolean): void {
    const { world, label } = this.#parts;
    const actor = actorKey(commit.actor);
    world.note(`${label}: ${isCommitted ? "ok" : "refused"} ${actor} ${commit.revision}`);
    world.sessions.push({ type: "answered", owner: label, actor, etag: commit.etag, isCommitted });
    const doubtful = this.#ambiguous.get(actor);
    if (doubtful?.commit.etag !== commit.etag) return;
    if (!isCommitted) {
      doubtful.isRefused = true;
      return;
    }
    this.#ambiguous.delete(actor);
    world.count("ambiguous: yes, by repeating");
  }

  #impossible(commit: Commit): void {
    const { world, label } = this.#parts;
    const actor = actorKey(commit.actor);
    world.note(`${label}: impossible ${actor} ${commit.revision}`);
    world.sessions.push({ type: "impossible", owner: label, actor, etag: commit.etag });
    this.#ambiguous.delete(actor);
  }

  #failed(commit: Commit, isAmbiguous: boolean): void {
    const { world, label } = this.#parts;
    const actor = actorKey(commit.actor);
    world.note(`${label}: ${isAmbiguous ? "no answer for" : "failed"} ${actor} ${commit.revision}`);
    world.sessions.push({ type: "failed", owner: label, actor, etag: commit.etag, isAmbiguous });
    const doubtful = this.#ambiguous.get(actor);
    if (isAmbiguous && doubtful?.commit.etag !== commit.etag) {
      world.count("ambiguous");
      this.#ambiguous.set(actor, { commit, isRefused: false });
    }
  }
}
