/** Those who make what lists are found by anew. */
import type { Choices } from "./choices.ts";
import type { Incarnation } from "./incarnation.ts";
import { nowAndThen } from "./now-and-then.ts";
import type { PeopleParts } from "./now-and-then.ts";
import type { World } from "./world.ts";

const EVERY_MS = 200;

/** Makes indexes anew until `until`. */
export function reindexLists(parts: PeopleParts, choices: Choices, until: number): void {
  nowAndThen(parts, { choices, everyMs: EVERY_MS, until }, (incarnation) =>
    reindexOnce(parts.world, choices.pick(["list", "deletable"]), incarnation),
  );
}

export async function reindexOnce(
  world: World,
  role: string,
  { engine }: Incarnation,
): Promise<void> {
  world.recollecting++;
  try {
    const { clock } = world;
    const { rewritten, overtaken } = await engine.care.reindex(engine.type(role), { clock });
    world.count("reindexed", rewritten);
    world.count("reindexed not: overtaken", overtaken);
  } finally {
    world.recollecting--;
  }
}
