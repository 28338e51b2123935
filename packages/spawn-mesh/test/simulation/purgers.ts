/** Those who find lists and delete them a little later, unless something was done since. */
import { sleep } from "../../src/engine/clock.ts";
import type { Choices } from "./choices.ts";
import type { Incarnation } from "./incarnation.ts";
import { nowAndThen } from "./now-and-then.ts";
import type { PeopleParts } from "./now-and-then.ts";

const EVERY_MS = 150;
const LATER_MS = 10;
const LISTS_MAX = 20;

/** Deletes lists until `until`. */
export function purgeLists(parts: PeopleParts, choices: Choices, until: number): void {
  nowAndThen(parts, { choices, everyMs: EVERY_MS, until }, (incarnation) =>
    purgeOne(parts, choices, incarnation),
  );
}

async function purgeOne(
  { world }: PeopleParts,
  choices: Choices,
  { engine }: Incarnation,
): Promise<void> {
  const definition = "deletable";
  const { actors } = await engine.care.finder.list({ definition, limit: LISTS_MAX });
  const found = choices.pick(actors);
  if (found === undefined) return;
  await sleep(world.clock, choices.waitMs(LATER_MS));
  const { name, revision } = found;
  const type = engine.type(definition);
  const isDeleted = await engine.care.deleteUnchanged({ type, name, revision });
  world.count(isDeleted ? "purged" : "purged not");
  if (isDeleted) world.purged.push({ actor: `${definition}/${name}`, revision });
}
