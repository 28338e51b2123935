/** What the statestore keeps of one actor, apart from calling it: revisions to read and restore, and its end. */
import { actorIdOf } from "./actor-definition.ts";
import type { ActionFunction } from "./actor-definition.ts";
import { formatActorId } from "./actor-id.ts";
import type { ActorId } from "./actor-id.ts";
import type { ActorType } from "./actor-type.ts";
import type { CallOptions } from "./call-options.ts";
import type { Engine } from "./engine.ts";
import { SpawnError } from "./errors.ts";
import type { Run } from "./run.ts";
import type { RevisionInfo, Statestore, StoredState } from "./statestore.ts";
import { decodeStored } from "./stored-state.ts";

export class StoredActorOperations {
  readonly #engine: Engine;
  readonly #store: Statestore;
  readonly #type: ActorType;
  readonly #id: ActorId;

  constructor(actor: {
    readonly engine: Engine;
    readonly store: Statestore;
    readonly type: ActorType;
    readonly name: string;
  }) {
    this.#engine = actor.engine;
    this.#store = actor.store;
    this.#type = actor.type;
    this.#id = actorIdOf(actor.engine.system, actor.type.definition, actor.name);
  }

  /** The kept revisions, the newest first, without the present state. */
  async listRevisions(): Promise<readonly RevisionInfo[]> {
    this.#engine.checkAccepting();
    return await this.#store.listRevisions(this.#id);
  }

  /**
   * The state of a kept revision, or of the present one, migrated to today's shape.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` if it is not kept
   */
  async readRevision(revision: number): Promise<unknown> {
    this.#engine.checkAccepting();
    const stored =
      (await this.#store.readRevision(this.#id, revision)) ?? (await this.#readPresent(revision));
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
    await this.#call("restore", options, (context) => {
      context.state = state;
    });
  }

  /** Deletes state, history and stored replies. The next call finds a new actor. */
  async delete(options?: CallOptions): Promise<void> {
    await this.#call("delete", options, (context) => {
      (context as Run).isDelete = true;
    });
  }

  async #readPresent(revision: number): Promise<StoredState | undefined> {
    const [answer] = await this.#store.load([{ actor: this.#id, row: true, keys: [] }]);
    return answer?.row?.revision === revision ? answer.row : undefined;
  }

  /** Runs one of our own actions in the actor's turn. */
  async #call(name: string, options: CallOptions | undefined, run: ActionFunction): Promise<void> {
    if (this.#type.definition.state === undefined) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${formatActorId(this.#id)} has no state, so there is nothing to ${name}`,
      );
    }
    const action = { name, isRead: false, parse: undefined, run };
    await this.#engine.call({
      type: this.#type,
      name: this.#id.name,
      action,
      payload: undefined,
      options,
    });
  }
}
