/** What the statestore keeps of one actor, apart from calling it: revisions to read and restore, and its end. */
import { actorIdOf } from "./actor-definition.ts";
import type { ActionFunction } from "./actor-definition.ts";
import { formatActorId } from "./actor-id.ts";
import type { ActorId } from "./actor-id.ts";
import type { ActorType } from "./actor-type.ts";
import { NO_CHAIN, checkChain, lengthenChain } from "./call-chain.ts";
import type { CallOptions } from "./call-options.ts";
import type { Engine } from "./engine.ts";
import { SpawnError, describeThrown, isSpawnError } from "./errors.ts";
import { checkWholeNumber } from "./limits.ts";
import type { Run } from "./run.ts";
import type { RevisionInfo, Statestore, StoredState } from "./statestore.ts";
import { decodeStored } from "./stored-state.ts";
import { copyValue } from "./values.ts";

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
    checkWholeNumber("revision", revision, { min: 1 });
    const stored =
      (await this.#asked(this.#store.readRevision(this.#id, revision))) ??
      (await this.#readPresent(revision));
    const definition = this.#type.definition.state;
    if (stored?.state === undefined || definition === undefined) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `revision ${revision} of ${formatActorId(this.#id)} is not kept`,
      );
    }
    return decodeStored(definition, stored);
  }

  /** Makes the state of a kept revision the present one; the history goes on with a new revision. */
  async restore(revision: number, options?: CallOptions): Promise<void> {
    const state = await this.readRevision(revision);
    const request = { payload: { revision }, options };
    await this.#call("restore", request, (context) => {
      context.state = copyValue(state, "state"); // It may have to run again.
    });
  }

  /** Deletes state, history and stored replies. The next call finds a new actor. */
  async delete(options?: CallOptions): Promise<void> {
    await this.#call("delete", { payload: undefined, options }, (context) => {
      (context as Run).isDelete = true;
    });
  }

  async #readPresent(revision: number): Promise<StoredState | undefined> {
    const query = { actor: this.#id, row: true, keys: [], messages: [] };
    const [answer] = await this.#asked(this.#store.load([query]));
    return answer?.row?.revision === revision ? answer.row : undefined;
  }

  /** What the statestore answers; its failures as errors of the platform. */
  async #asked<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      if (isSpawnError(error)) throw error;
      throw new SpawnError(
        "STATESTORE_UNAVAILABLE",
        `the revisions of ${formatActorId(this.#id)} cannot be read: ${describeThrown(error)}`,
        { cause: error },
      );
    }
  }

  /** Runs one of our own actions in the actor's turn. */
  async #call(
    name: string,
    request: { readonly payload: unknown; readonly options: CallOptions | undefined },
    run: ActionFunction,
  ): Promise<void> {
    if (this.#type.definition.state === undefined) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${formatActorId(this.#id)} has no state, so there is nothing to ${name}`,
      );
    }
    if (this.#caller !== undefined) {
      checkChain(lengthenChain(NO_CHAIN, this.#caller), this.#id, 1);
    }
    const action = { name, isRead: false, parse: undefined, run };
    await this.#engine.call({
      type: this.#type,
      name: this.#id.name,
      action,
      ...request,
    });
  }
}
