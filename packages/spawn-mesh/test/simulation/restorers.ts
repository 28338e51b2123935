/** Those who put lists back to what they were, or begin new ones with that. */
import { sleep } from "../../src/engine/clock.ts";
import { isSpawnError } from "../../src/engine/errors.ts";
import type { Choices } from "./choices.ts";
import type { Incarnation } from "./incarnation.ts";
import { nowAndThen } from "./now-and-then.ts";
import type { PeopleParts } from "./now-and-then.ts";
import type { Restoring } from "./run-log.ts";

const EVERY_MS = 120;
const DEADLINE_MS = 3_000;
const DEFINITION = "deletable";

/** Restores and forks lists until `until`. */
export function restoreLists(parts: PeopleParts, choices: Choices, until: number): void {
  nowAndThen(parts, { choices, everyMs: EVERY_MS, until }, async (incarnation) => {
    if (parts.world.restoring === 0) await restoreAlone(parts, choices, incarnation);
  });
}

/** One at a time, so that everybody can tell what came of it; one whose process dies is never heard of again. */
async function restoreAlone(
  parts: PeopleParts,
  choices: Choices,
  incarnation: Incarnation,
): Promise<void> {
  const { world } = parts;
  world.restoring++;
  const late = sleep(world.clock, 2 * DEADLINE_MS);
  try {
    await Promise.race([restoreOne(parts, choices, incarnation), late]);
  } finally {
    world.restoring--;
  }
}

async function restoreOne(
  { world, profile }: PeopleParts,
  choices: Choices,
  { engine }: Incarnation,
): Promise<void> {
  const name = `d${choices.between(1, profile.actors)}`;
  const stored = engine.stored(engine.type(DEFINITION), name);
  let restoring: Restoring | undefined;
  try {
    const found = choices.pick(await stored.listRevisions());
    if (found === undefined) return;
    const { revision } = found;
    const to = choices.chance(0.3) ? `f${world.next()}` : name;
    restoring = begin(to, { name, revision, startedSequence: world.next() });
    world.restored.push(restoring);
    const options = { deadlineMs: DEADLINE_MS };
    if (to === name) await stored.restore(revision, options);
    else await stored.fork(to, { ...options, revision });
    world.count(to === name ? "restored" : "forked");
    Object.assign(restoring, { outcome: "yes", endedSequence: world.next() });
  } catch (error) {
    // Whatever may have been done may be done later too.
    const isNot = isSpawnError(error) && error.applied === "no";
    if (isNot && restoring !== undefined) restoring.endedSequence = world.next();
    throw error;
  }
}

function begin(
  to: string,
  from: { readonly name: string; readonly revision: number; readonly startedSequence: number },
): Restoring {
  const { name, revision, startedSequence } = from;
  const [actor, source] = [`${DEFINITION}/${to}`, `${DEFINITION}/${name}`];
  return { actor, source, revision, startedSequence, endedSequence: Infinity, outcome: undefined };
}
