/** Those who find lists and delete them a little later, unless something was done since. */
import { isSpawnError } from "../../src/engine/errors.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";
import { Choices } from "./choices.ts";
import type { Incarnation, Surroundings } from "./incarnation.ts";

const EVERY_MS = 150;
const LATER_MS = 10;
const LISTS_MAX = 20;
/** One run in so many has somebody who deletes; the others are as they would be without. */
const ONE_RUN_IN = 5;

export interface PurgerParts extends Surroundings {
  readonly alive: () => readonly Incarnation[];
}

/** Deletes lists until `until`. */
export function purgeLists(parts: PurgerParts, seed: number, until: number): void {
  if (seed % ONE_RUN_IN === 1) goOn(parts, new Choices(seededRandom(seed)), until);
}

function goOn(parts: PurgerParts, choices: Choices, until: number): void {
  const { world, alive } = parts;
  world.clock.timer(choices.waitMs(EVERY_MS), () => {
    if (world.clock.monotonic() >= until) return;
    const incarnation = choices.pick(alive());
    if (incarnation !== undefined) void purgeOne(parts, choices, incarnation);
    goOn(parts, choices, until);
  });
}

async function purgeOne(
  { world }: PurgerParts,
  choices: Choices,
  { engine }: Incarnation,
): Promise<void> {
  const definition = "deletable";
  try {
    const { actors } = await engine.care.finder.list({ definition, limit: LISTS_MAX });
    const found = choices.pick(actors);
    if (found === undefined) return;
    const laterMs = choices.waitMs(LATER_MS);
    await new Promise<void>((resolve) => void world.clock.timer(laterMs, resolve));
    const { name, revision } = found;
    const type = engine.type(definition);
    const isDeleted = await engine.care.deleteUnchanged({ type, name, revision });
    world.count(isDeleted ? "purged" : "purged not");
    if (isDeleted) world.purged.push({ actor: `${definition}/${name}`, revision });
  } catch (error) {
    if (isSpawnError(error)) return;
    world.violations.push({ invariant: "I15", what: `an answer without a type: ${String(error)}` });
  }
}
