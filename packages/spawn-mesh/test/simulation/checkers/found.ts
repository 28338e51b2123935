/** I17: when everything is quiet, lists are found by what they are. */
import { indexOfList } from "../definitions.ts";
import { ANOTHER_PROGRAM } from "../database.ts";
import type { Database } from "../database.ts";
import { itemsOf } from "../run-log.ts";
import type { AppliedCommit, RunLog, Violation } from "../run-log.ts";

const roles: ReadonlySet<string> = new Set(["list", "deletable", "write-behind", "fleeting"]);

/**
 * @param isReindexed whether those have been indexed anew since that another program wrote last
 */
export async function checkFound(
  { applied }: Pick<RunLog, "applied">,
  database: Pick<Database, "find">,
  isReindexed: boolean,
): Promise<readonly Violation[]> {
  const last = new Map(applied.map((entry) => [entry.actor, entry]));
  const lists = [...last.values()].filter(
    ({ role, owner }) => roles.has(role) && (isReindexed || owner !== ANOTHER_PROGRAM),
  );
  const violations: Violation[] = [];
  for (const [role, ofRole] of Map.groupBy(lists, (entry) => entry.role)) {
    const thirdsMax = Math.max(...ofRole.map(thirdsOf)) + 1;
    for (let thirds = 0; thirds <= thirdsMax; thirds++) {
      const found = new Set(await database.find(role, thirds));
      for (const entry of ofRole) {
        const isMeant = !entry.commit.isDelete && thirdsOf(entry) === thirds;
        if (found.has(entry.commit.actor.name) === isMeant) continue;
        const what = `${entry.actor} is ${isMeant ? "not " : ""}found by ${thirds} thirds in the end`;
        violations.push({ invariant: "I17", what });
      }
    }
  }
  return violations;
}

function thirdsOf({ commit }: AppliedCommit): number {
  return indexOfList(itemsOf(commit))["thirds"] as number;
}
