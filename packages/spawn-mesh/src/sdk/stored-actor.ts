import type { CallOptions, RevisionInfo } from "../engine/index.ts";

/** What the statestore keeps of one actor: its revisions, and the actor itself. */
export interface StoredActorRef<State> {
  /** The kept revisions, the newest first, without the present state. */
  listRevisions(): Promise<readonly RevisionInfo[]>;
  /** The state of a kept revision, or of the present one. @throws {SpawnError} `INVALID_ARGUMENT` if it is not kept */
  readRevision(revision: number): Promise<State>;
  /** Makes the state of a kept revision the present one; the history goes on with a new revision. */
  restore(revision: number, options?: CallOptions): Promise<void>;
  /** Deletes state, history and stored replies. The next call finds a new actor. */
  delete(options?: CallOptions): Promise<void>;
}
