/** Those who put lists back to what they were, or begin new ones with that. */
import { sleep } from "../../src/engine/clock.ts";
import { isSpawnError } from "../../src/engine/errors.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";
import { Choices } from "./choices.ts";
import type { Incarnation, Surroundings } from "./incarnation.ts";
import type { Restoring } from "./run-log.ts";

const EVERY_MS = 120;
const DEADLINE_MS = 3_000;
const DEFINITION = "deletable";
/** One run in so many has somebody who restores; the others are as they would be without. */
const ONE_RUN_IN = 5;

export interface RestorerParts extends Surroundings {
  readonly alive: () => readonly Incarnation[];
}

/** Restores and forks lists until `until`. */
export function restoreLists(parts: RestorerParts, seed: number, until: number): void {
  if (seed % ONE_RUN_IN === 2) goOn(parts, new Choices(seededRandom(seed)), until);
}

function goOn(parts: RestorerParts, choices: Choices, until: number): void {
  const { world, alive } = parts;
  world.clock.timer(choices.waitMs(EVERY_MS), () => {
    if (world.clock.monotonic() >= until) return;
    const incarnation = choices.pick(alive());
    const isIdle = incarnation !== undefined && world.restoring === 0;
    if (isIdle) void restoreAlone(parts, choices, incarnation);
    goOn(parts, choices, until);
  });
}

/** One at a time, so that everybody can tell what came of it; one whose process dies is never heard of again. */
async function restoreAlone(
  parts: RestorerParts,
  choices: Choices,
  incarnation: Incarnation,
): Promise<void> {
  const { world } = parts;
  world.restoring++;
  const late = sleep(world.clock, 2 * DEADLINE_MS);
  await Promise.race([restoreOne(parts, choices, incarnation), late]);
  world.restoring--;
}

async function restoreOne(
  { world, profile }: RestorerParts,
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
    if (isSpawnError(error)) {
      // Whatever may have been done may be done later too.
      const isNot = error.applied === "no";
      if (isNot && restoring !== undefined) restoring.endedSequence = world.next();
      return;
    }
    world.violations.push({ invariant: "I15", what: `an answer without a type: ${String(error)}` });
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
