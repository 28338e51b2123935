/** I3: when everything is quiet, what is stored is what was committed last, also where it was encrypted anew since. */
import { actorKey } from "../database.ts";
import type { Database } from "../database.ts";
import type { RunLog, Violation } from "../run-log.ts";

export async function checkStored(
  { applied }: Pick<RunLog, "applied">,
  database: Pick<Database, "look">,
): Promise<readonly Violation[]> {
  const last = new Map(applied.map(({ actor, commit }) => [actor, commit]));
  const violations: Violation[] = [];
  for (const { actor, etag, state, isDelete } of last.values()) {
    const row = await database.look(actor);
    if (row?.etag === etag && row.state === state && row.isDeleted === isDelete) continue;
    const what = `${actorKey(actor)} is not what was committed last`;
    violations.push({ invariant: "I3", what });
  }
  return violations;
}
