/** I17: what an actor is found by is made of the state that is stored with it. */
import {
  indexEntries,
  isSameIndex,
  type IndexEntry,
} from "../../../src/engine/values/index-values.ts";
import { ANOTHER_PROGRAM } from "../database.ts";
import { indexOfList } from "../definitions.ts";
import { itemsOf } from "../run-log.ts";
import type { RunLog, Violation } from "../run-log.ts";

export function checkIndexes({ applied }: Pick<RunLog, "applied">): readonly Violation[] {
  const stored = new Map<string, readonly IndexEntry[]>();
  const violations: Violation[] = [];
  for (const { actor, commit, owner } of applied) {
    if (commit.isDelete) stored.delete(actor);
    else if (commit.index !== undefined) stored.set(actor, commit.index);
    if (commit.isDelete || owner === ANOTHER_PROGRAM) continue;
    const made = indexEntries(indexOfList(itemsOf(commit)));
    if (isSameIndex(stored.get(actor) ?? [], made)) continue;
    const what = `${actor} is not found by what it is at revision ${commit.revision}`;
    violations.push({ invariant: "I17", what });
  }
  return violations;
}
