/**
 * Deletes an actor that was found a while ago, unless something was done since: in the actor's own turn,
 * by the commit that every delete is. Whoever commits in between, here or elsewhere, wins; the action then
 * runs again on what is there now, and finds another revision.
 */
import type { ActorType } from "../activations/actor-type.ts";
import type { Engine } from "../engine.ts";
import type { Run } from "../activations/run.ts";

/** An actor as it was found. */
export interface FoundRevision {
  readonly type: ActorType;
  readonly name: string;
  readonly revision: number;
}

/** Answers whether it was deleted; if not, it has changed since. @throws {SpawnError} as a call does */
export async function deleteUnchanged(
  engine: Engine,
  { type, name, revision }: FoundRevision,
): Promise<boolean> {
  const action = {
    name: "delete",
    isRead: false,
    parse: undefined,
    isReplacement: true,
    run(context: unknown): boolean {
      const run = context as Run;
      run.isDelete = run.isUntouched && run.revision === revision;
      return run.isDelete;
    },
  };
  return (await engine.call({ type, name, action, payload: undefined })) as boolean;
}
