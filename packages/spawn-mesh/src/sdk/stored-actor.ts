import type { CallOptions, ForkOptions, RevisionInfo } from "../engine/index.ts";

/** What the statestore keeps of one actor: its revisions, and the actor itself. */
export interface StoredActorRef<State> {
  /** The kept revisions, the newest first, without the present state. */
  listRevisions(): Promise<readonly RevisionInfo[]>;
  /** The state of a kept revision, or of the present one. @throws {SpawnError} `INVALID_ARGUMENT` if it is not kept */
  readRevision(revision: number): Promise<State>;
  /**
   * The state as it was at a time (milliseconds since 1970), to the precision of the kept revisions: the
   * last one that was committed by then and is still kept. It was the present state at some moment of
   * the `snapshotTimeoutMs` before that time.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` if nothing of that time is kept
   */
  readAt(time: number): Promise<RevisionInfo & { readonly state: State }>;
  /**
   * Makes the state of a kept revision the present one; the history goes on with a new revision. It needs nothing of
   * the present state, which may be one that cannot be read.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` if the revision is not kept, or the actor was deleted; as every call
   */
  restore(revision: number, options?: CallOptions): Promise<void>;
  /**
   * Makes a new actor of the same definition, which has to be of the kind `unnamed`. Its first commit is
   * the state and the tags of a revision of this one.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` if there is an actor of that name, or the revision is not kept
   */
  fork(name: string, options?: ForkOptions): Promise<void>;
  /**
   * Deletes state, tags, index, history, stored replies and timers, also of an actor whose state cannot be read. The
   * next call finds a new actor.
   *
   * @throws {SpawnError} as every call
   */
  delete(options?: CallOptions): Promise<void>;
}
