import { itemsOf } from "../run-log.ts";
import type { AppliedCommit } from "../run-log.ts";

/** What each commit of an actor that takes messages added to its list. */
export function newItems(
  applied: readonly AppliedCommit[],
): readonly { readonly entry: AppliedCommit; readonly items: readonly string[] }[] {
  const lengths = new Map<string, number>();
  return applied
    .filter(({ role }) => role.startsWith("post"))
    .map((entry) => {
      const list = itemsOf(entry.commit);
      const items = list.slice(lengths.get(entry.actor) ?? 0);
      lengths.set(entry.actor, list.length);
      return { entry, items };
    });
}
