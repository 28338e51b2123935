/** What the statestore keeps of one actor, apart from calling it: revisions to read and restore, and its end. */
import { actorIdOf } from "../actor-definition.ts";
import type { ActionFunction } from "../actor-definition.ts";
import { checkName, formatActorId } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import type { ActorType } from "../activations/actor-type.ts";
import { askedToRead } from "../asked-store.ts";
import { NO_CHAIN, checkChain, lengthenChain } from "../calls/call-chain.ts";
import { isScheduled } from "../calls/call-options.ts";
import type { CallOptions } from "../calls/call-options.ts";
import type { Engine } from "../engine.ts";
import { SpawnError, isSpawnError } from "../errors.ts";
import { checkWholeNumber } from "../limits.ts";
import type { Run } from "../activations/run.ts";
import type { RevisionInfo, Statestore, StoredActor, StoredState } from "../statestore.ts";
import { decodeStored } from "../activations/stored-state.ts";
import { copyValue } from "../values/values.ts";

/** How a copy of an actor is made. */
export interface ForkOptions extends CallOptions {
  /** Which revision of this actor the new one begins with. Default: the present one. */
  readonly revision?: number | undefined;
}

/** A call of one of our own actions. */
interface OwnRequest {
  readonly target?: ActorId;
  readonly isReplacement?: boolean;
  readonly payload: unknown;
  readonly options: CallOptions | undefined;
}

export class StoredActorOperations {
  readonly #engine: Engine;
  readonly #store: Statestore;
  readonly #type: ActorType;
  readonly #id: ActorId;
  readonly #caller: ActorId | undefined;

  /** @throws {SpawnError} `INVALID_ARGUMENT` for a pooled actor */
  constructor(actor: {
    readonly engine: Engine;
    readonly store: Statestore;
    readonly type: ActorType;
    readonly name: string;
    readonly caller: ActorId | undefined;
  }) {
    this.#caller = actor.caller;
    this.#engine = actor.engine;
    this.#store = actor.store;
    this.#type = actor.type;
    this.#id = actorIdOf(actor.engine.system, actor.type.definition, actor.name);
    if (actor.type.definition.kind === "pooled") {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${formatActorId(this.#id)} is pooled: it has no state, so nothing of it is stored`,
      );
    }
  }

  /** The kept revisions, the newest first, without the present state. */
  async listRevisions(): Promise<readonly RevisionInfo[]> {
    this.#engine.checkAccepting();
    return await this.#asked(this.#store.listRevisions(this.#id));
  }

  /**
   * The state of a kept revision, or of the present one, migrated to today's shape.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` if it is not kept
   */
  async readRevision(revision: number): Promise<unknown> {
    this.#engine.checkAccepting();
    return this.#decode(await this.#find(revision));
  }

  /**
   * The state as it was at a time, to the precision of the kept revisions: the last one that was
   * committed by then and is still kept. It was the present state at some moment of the
   * `snapshotTimeoutMs` before that time.
   *
   * @param time milliseconds since 1970
   * @throws {SpawnError} `INVALID_ARGUMENT` if nothing of that time is kept
   */
  async readAt(time: number): Promise<RevisionInfo & { readonly state: unknown }> {
    this.#engine.checkAccepting();
    if (!Number.isFinite(time)) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `time: expected milliseconds since 1970, got ${String(time)}`,
      );
    }
    // Before the list: what it is superseded by meanwhile is later than that.
    const present = await this.#readLiving();
    if (present !== undefined && present.at <= time) return this.#dated(present);
    const kept = await this.listRevisions();
    const found = present && kept.find(({ at }) => at <= time);
    if (found !== undefined) return this.#dated(await this.#find(found.revision));
    const oldest = kept.at(-1) ?? present;
    const since = oldest === undefined ? "it has none" : `the oldest is of ${oldest.at}`;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `no state of ${formatActorId(this.#id)} at ${time} is kept: ${since}`,
    );
  }

  /**
   * Makes the state of a kept revision the present one; the history goes on with a new revision. The
   * present one need not be readable; if its tags are not either, those of the revision come back.
   */
  async restore(revision: number, options?: CallOptions): Promise<void> {
    await this.readRevision(revision);
    const request = { payload: { revision }, options };
    await reasonOf(
      this.#replace("restore", request, async (context) => {
        // In its turn: it may have been deleted meanwhile, and nothing of that may come back.
        const kept = await this.#find(revision);
        context.state = this.#decode(kept);
        const present = await this.#readLiving();
        if (present?.problem !== undefined) context.tags = kept.tags ?? {};
      }),
    );
  }

  /**
   * Makes a new actor of the same definition whose first commit is the state of a kept revision of this
   * one, with its tags. Its history, stored replies and messages are its own from then on.
   *
   * @param name of the new actor
   * @throws {SpawnError} `INVALID_ARGUMENT` if it exists, or the revision is not kept
   */
  async fork(name: string, { revision, ...options }: ForkOptions = {}): Promise<void> {
    this.#engine.checkAccepting();
    const { definition } = this.#type;
    if (definition.kind !== "unnamed") {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${formatActorId(this.#id)} cannot be forked: only actors of the kind unnamed have others of their definition`,
      );
    }
    checkName(`${definition.name} instance`, name);
    const stored = await (revision === undefined ? this.#readLiving() : this.#find(revision));
    const state = this.#decode(stored);
    const target = { ...this.#id, name };
    const before = await this.#readPresent(target);
    // What was asked for: repeated with its key it is the same call, whatever the present state is by then.
    const payload = { from: this.#id.name, revision };
    await reasonOf(
      this.#call("fork", { target, payload, options }, (context) => {
        const run = context as Run;
        checkNew(target, before, run);
        run.state = copyValue(state, "state"); // It may have to run again.
        run.tags = stored?.tags ?? {};
        run.isCreation = true;
        run.isCheckpoint = true;
      }),
    );
  }

  /** Deletes state, history and stored replies, also those that cannot be read. The next call finds a new actor. */
  async delete(options?: CallOptions): Promise<void> {
    await this.#replace("delete", { payload: undefined, options }, (context) => {
      (context as Run).isDelete = true;
    });
  }

  /** A kept revision, or the present one. */
  async #find(revision: number): Promise<StoredState> {
    checkWholeNumber("revision", revision, { min: 1 });
    const kept = await this.#asked(this.#store.readRevision(this.#id, revision));
    if (kept !== undefined) return kept;
    const present = await this.#readLiving();
    if (present?.revision === revision) return present;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `revision ${revision} of ${formatActorId(this.#id)} is not kept`,
    );
  }

  /** The row, unless it is a tombstone. */
  async #readLiving(): Promise<StoredActor | undefined> {
    const present = await this.#readPresent();
    return present?.isDeleted === true ? undefined : present;
  }

  async #readPresent(actor: ActorId = this.#id): Promise<StoredActor | undefined> {
    const query = { actor, row: true, keys: [], messages: [] };
    const [answer] = await this.#asked(this.#store.load([query]));
    return answer?.row;
  }

  /** Today's state. @throws {SpawnError} `INVALID_ARGUMENT` if there is none, `STATE_CORRUPT` */
  #decode(stored: StoredState | undefined): unknown {
    const definition = this.#type.definition.state;
    if (stored !== undefined && definition !== undefined) return decodeStored(definition, stored);
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${formatActorId(this.#id)} has no state that is kept`,
    );
  }

  #dated(stored: StoredState | undefined): RevisionInfo & { readonly state: unknown } {
    const state = this.#decode(stored);
    return { revision: stored!.revision, at: stored!.at, state };
  }

  /** What the statestore answers; its failures as errors of the platform. */
  #asked<Answer>(answer: Promise<Answer>): Promise<Answer> {
    return askedToRead(answer, `the revisions of ${formatActorId(this.#id)} cannot be read`);
  }

  /** Runs one of our own actions that needs no state. */
  #replace(name: string, request: OwnRequest, run: ActionFunction): Promise<void> {
    return this.#call(name, { ...request, isReplacement: true }, run);
  }

  /** Runs one of our own actions in the actor's turn. */
  async #call(name: string, request: OwnRequest, run: ActionFunction): Promise<void> {
    const { target = this.#id, isReplacement = false, payload, options } = request;
    if (options !== undefined && isScheduled(options)) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${name} cannot be done later: expected no delayMs and no scheduledTo`,
      );
    }
    if (this.#type.definition.state === undefined) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${formatActorId(this.#id)} has no state, so there is nothing to ${name}`,
      );
    }
    if (this.#caller !== undefined) {
      checkChain(lengthenChain(NO_CHAIN, this.#caller), target, 1);
    }
    const action = { name, isRead: false, parse: undefined, isReplacement, run };
    await this.#engine.call({
      type: this.#type,
      name: target.name,
      action,
      payload,
      options,
    });
  }
}

/** Waits for one of our own actions, which fails with an error of ours, and not with that it failed. */
async function reasonOf(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    throw isSpawnError(error) && isSpawnError(error.cause) ? error.cause : error;
  }
}

/**
 * In the turn of an actor: it had no state before, and has had no commit since.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
function checkNew(actor: ActorId, before: StoredActor | undefined, run: Run): void {
  const hadState = before !== undefined && !before.isDeleted;
  if (!hadState && run.isUntouched && run.revision === (before?.revision ?? 0)) return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${formatActorId(actor)} exists: expected the name of an actor that does not`,
  );
}
