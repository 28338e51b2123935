import { itemsOf, lastListOf } from "../run-log.ts";
import type { AppliedCommit } from "../run-log.ts";

/**
 * What each commit of an actor that takes messages added to its list. What was in a commit with which somebody
 * else deletes the actor is not known.
 */
export function newItems(
  applied: readonly AppliedCommit[],
): readonly { readonly entry: AppliedCommit; readonly items: readonly string[] }[] {
  const lengths = new Map<string, number>();
  return applied
    .filter(({ role }) => role.startsWith("post"))
    .flatMap((entry) => {
      const { actor, commit } = entry;
      const list = itemsOf(commit);
      const items = list.slice(lengths.get(actor) ?? 0);
      lengths.set(actor, commit.isDelete ? 0 : list.length);
      return commit.isDelete && lastListOf(commit) === undefined ? [] : [{ entry, items }];
    });
}
