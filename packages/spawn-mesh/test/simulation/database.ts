/**
 * The database that all incarnations of a run share: the reference store with a log of what it
 * applied, and the weather that its requests are exposed to.
 */
import type { ActorId } from "../../src/engine/actor-id.ts";
import { everyActor } from "../../src/engine/actor-queries.ts";
import type { ActorQueries } from "../../src/engine/actor-queries.ts";
import { isSpawnError } from "../../src/engine/errors.ts";
import type { Message, MessageStore } from "../../src/engine/message-store.ts";
import type {
  ActorsOf,
  Commit,
  Etag,
  RevisionInfo,
  Statestore,
  StoreAnswer,
  StoredState,
  StoreHandle,
} from "../../src/engine/statestore.ts";
import { StoreFailure } from "../../src/engine/statestore.ts";
import { indexEntries, wantedKey } from "../../src/engine/values/index-values.ts";
import { LockedStore } from "./locked-store.ts";
import { sealedWay } from "./sealed-way.ts";
import { loggedMessages } from "./logged-messages.ts";
import { MessageLog } from "./message-log.ts";
import type { Profile, RequestFault } from "./profile.ts";
import { lastListOf } from "./run-log.ts";
import type { ActorRole } from "./run-log.ts";
import type { World } from "./world.ts";

/** Who uses it past all processes. */
export const ANOTHER_PROGRAM = "another program";
/** The version of states that nobody here knows. */
const NEWER_VERSION = 2;
/** More than there are. */
const FOUND_MAX = 1_000;
/** A state that contains this can never be stored. */
export const POISON = "poison";

export function actorKey({ definition, name }: ActorId): string {
  return `${definition}/${name}`;
}

function roleOf({ definition }: ActorId): ActorRole {
  return definition as ActorRole;
}

/** A program with other definitions of the same actors. */
export type OtherProgram = "newer" | "older";

/** An incarnation, as the database knows it. */
export interface Session {
  readonly label: string;
  /** The id that the engine opened the store with. */
  readonly id: string;
}

export class Database {
  readonly #world: World;
  readonly #profile: Profile;
  readonly #locked: LockedStore;
  readonly #messageLog: MessageLog;
  /** Lists that nobody here can read. */
  readonly #broken = new Set<string>();
  /** Of the commits that were done last. */
  readonly #etags = new Map<string, Etag>();
  #current: string | undefined;
  outageUntil = 0;
  diskFullUntil = 0;
  slowUntil = 0;
  isHealed = false;
  /** Requests that are on their way, ghosts among them. */
  underWay = 0;

  constructor(world: World, profile: Profile) {
    this.#world = world;
    this.#profile = profile;
    this.#messageLog = new MessageLog(world);
    this.#locked = new LockedStore(profile.isEncrypted);
  }

  /** Before anybody uses it. */
  async prepare(): Promise<void> {
    const { limits, ghostMsMax, isExclusive } = this.#profile;
    const world = this.#world;
    const about = { world, clock: world.clock, database: this, label: "key changer" };
    const parts = { ...about, limits, ghostMsMax, isExclusive };
    await this.#locked.open((rows) => sealedWay(parts, rows));
  }

  /**
   * Encrypts everything with the new key, if it is encrypted; whatever can be read stays readable. Answers
   * whether that is done: it is given up when the database fails for too long.
   */
  async changeKey(): Promise<boolean> {
    if (!this.#profile.isEncrypted) return true;
    try {
      const { unreadable, isComplete } = await this.#locked.changeKey(this.#world.clock);
      this.#world.count(isComplete ? "key changed" : "key not changed yet");
      const what = `no key opens ${unreadable} rows`;
      if (unreadable > 0) this.#world.violations.push({ invariant: "I13", what });
      return isComplete;
    } catch (error) {
      if (!isSpawnError(error)) throw error;
      this.#world.count("key change failed");
      return false;
    }
  }

  /** Where only one incarnation may use the database, the one before it is cut off from now on. */
  open(session: Session): void {
    this.#current = session.id;
  }

  /** Whether this fault hits the request that is being made. */
  strikes(fault: RequestFault): boolean {
    return !this.isHealed && this.#world.choices.chance(this.#profile.rates[fault]);
  }

  get isOut(): boolean {
    return this.#world.clock.monotonic() < this.outageUntil;
  }

  /** How long a request takes in one direction. */
  latencyMs(): number {
    const { choices, clock } = this.#world;
    const slow = clock.monotonic() < this.slowUntil ? choices.between(50, 400) : 0;
    return slow + choices.between(0, 2 * this.#profile.latencyMs);
  }

  async commit(
    session: Session,
    commits: readonly Commit[],
  ): Promise<readonly (StoreHandle | undefined)[]> {
    this.#checkWritable(session);
    const rows = commits.flatMap(({ state }, index) =>
      typeof state === "string" && state.includes(POISON) ? [index] : [],
    );
    if (rows.length > 0) {
      this.#world.count("fault poisoned-row");
      throw new StoreFailure("rows", "a row that no database holds", { rows });
    }
    this.#locked.hasOwner(session.id);
    const handles = await this.#storeOf(session).commit(commits);
    for (const [index, commit] of commits.entries()) {
      if (handles[index] !== undefined) this.#log(session, commit);
      else this.#checkRefused(commit);
    }
    return handles;
  }

  /** A commit is refused because of another one, and never because something was encrypted anew. */
  #checkRefused({ actor, previous, consumes, replies, revision }: Commit): void {
    const isConsumable = consumes.every((message) => this.#messageLog.has(message));
    if (!isConsumable) this.#world.count("refused duplicate");
    const key = actorKey(actor);
    if (!isConsumable || replies.length > 0 || this.#etags.get(key) !== previous) return;
    const what = `revision ${revision} of ${key} was refused, and nobody had changed it`;
    this.#world.violations.push({ invariant: "I1", what });
  }

  async load(
    session: Session,
    queries: Parameters<Statestore["load"]>[0],
  ): Promise<readonly StoreAnswer[]> {
    this.#checkCurrent(session);
    return await this.#storeOf(session).load(queries);
  }

  get sealed() {
    return this.#atHand.sealed;
  }

  /** What finds actors, as the session reaches it. */
  queries(session: Session): ActorQueries {
    const { queries } = this.#storeOf(session);
    return {
      list: async (page) => {
        this.#checkCurrent(session);
        return await queries.list(page);
      },
      reindex: async (rewrites) => {
        this.#checkWritable(session);
        return await queries.reindex(rewrites);
      },
    };
  }

  get systems() {
    return this.#atHand.systems;
  }

  /** The messages, as the session reaches them. */
  messages(session: Session): MessageStore {
    return loggedMessages(this.#storeOf(session).messages, this.#messageLog, {
      checkRead: () => this.#checkCurrent(session),
      checkWrite: () => this.#checkWritable(session),
    });
  }

  /** The messages as they are, past all faults; whoever changes them is written down too. */
  get messagesAtHand(): MessageStore {
    const noCheck = (): void => undefined;
    return loggedMessages(this.#atHand.messages, this.#messageLog, {
      checkRead: noCheck,
      checkWrite: noCheck,
    });
  }

  /** What waits to be delivered, by the log. */
  get waiting(): readonly Message[] {
    return this.#messageLog.stored;
  }

  async listActors(session: Session, of: ActorsOf): Promise<readonly string[]> {
    this.#checkCurrent(session);
    return await this.#storeOf(session).listActors(of);
  }

  async listRevisions(session: Session, actor: ActorId): Promise<readonly RevisionInfo[]> {
    this.#checkCurrent(session);
    return await this.#storeOf(session).listRevisions(actor);
  }

  async readRevision(
    session: Session,
    actor: ActorId,
    revision: number,
  ): Promise<StoredState | undefined> {
    this.#checkCurrent(session);
    return await this.#storeOf(session).readRevision(actor, revision);
  }

  async prune(session: Session, wall: number, limit: number): Promise<number> {
    this.#checkCurrent(session);
    return await this.#storeOf(session).prune(wall, limit);
  }

  /** Puts a row there as another program would have left it. */
  async plant(commit: Commit): Promise<void> {
    this.#locked.hasOwner(ANOTHER_PROGRAM);
    await this.#atHand.commit([commit]);
  }

  /** Writes a list as another program would, if there is one that can be read; answers whether it did. */
  async writeElsewhere(actor: ActorId, as: OtherProgram): Promise<boolean> {
    const row = await this.look(actor);
    if (row === undefined || row.isDeleted || row.stateVersion === NEWER_VERSION) return false;
    const { handle, etag, state, codec, tags, revision, stateVersion } = row;
    const nothing = { replies: [], consumes: [], cancels: [], sends: [] };
    const commit = {
      ...nothing,
      actor,
      handle,
      previous: etag,
      etag: `other ${this.#world.next()}`.padEnd(16),
      state,
      codec,
      stateVersion: as === "newer" ? NEWER_VERSION : stateVersion,
      index: as === "newer" ? undefined : indexEntries({ other: true }),
      tags,
      revision: revision + 1,
      at: this.#world.wall(),
      isDelete: false,
      revisionsKept: 1_000,
    };
    await this.plant(commit);
    this.#log({ label: ANOTHER_PROGRAM, id: ANOTHER_PROGRAM }, commit);
    return true;
  }

  /** The names of the lists that are found by so many thirds, past all faults. */
  async find(definition: string, thirds: number): Promise<readonly string[]> {
    const page = { after: undefined, limit: FOUND_MAX, looksMax: FOUND_MAX };
    const { actors } = await this.#atHand.queries.list({
      ...everyActor({ system: "simulation", definition, ...page }),
      where: [{ field: "thirds", equals: wantedKey("thirds", thirds) }],
    });
    return actors.map(({ name }) => name);
  }

  /** The row as it is, past all faults. */
  async look(actor: ActorId): Promise<StoreAnswer["row"]> {
    const [answer] = await this.#atHand.load([{ actor, row: true, keys: [], messages: [] }]);
    return answer?.row;
  }

  #storeOf({ id }: Session): Statestore {
    return this.#locked.reachedBy(id);
  }

  get #atHand(): Statestore {
    return this.#locked.reachedBy(ANOTHER_PROGRAM);
  }

  #checkWritable(session: Session): void {
    this.#checkCurrent(session);
    if (this.#world.clock.monotonic() >= this.diskFullUntil) return;
    this.#world.count("fault disk-full");
    throw new StoreFailure("capacity", "the disk is full");
  }

  #checkCurrent({ id }: Session): void {
    if (this.#profile.isExclusive && this.#current !== id) {
      throw new StoreFailure("fatal", "the database belongs to another process");
    }
  }

  #log(session: Session, commit: Commit): void {
    const actor = actorKey(commit.actor);
    this.#etags.set(actor, commit.etag);
    const isBroken = commit.stateVersion === NEWER_VERSION;
    if (isBroken) this.#broken.add(actor);
    else if (this.#broken.delete(actor)) {
      this.#world.count(commit.isDelete ? "broken deleted" : "broken restored");
    }
    this.#world.applied.push({
      sequence: this.#world.next(),
      at: this.#world.clock.monotonic(),
      owner: session.label,
      actor,
      role: roleOf(commit.actor),
      commit,
    });
    if (lastListOf(commit) !== undefined) this.#world.count("deleted itself");
    this.#messageLog.committed(commit);
    this.#world.note(
      `database: ${session.label} committed ${actor} revision ${commit.revision}${commit.isDelete ? " (deleted)" : ""}`,
    );
  }
}
