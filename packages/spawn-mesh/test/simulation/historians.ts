/** Those who ask what the state of a list was some time ago. */
import type { Choices } from "./choices.ts";
import { isSpawnError } from "../../src/engine/errors.ts";
import type { Incarnation } from "./incarnation.ts";
import { nowAndThen } from "./now-and-then.ts";
import type { PeopleParts } from "./now-and-then.ts";
import type { Recollection } from "./run-log.ts";

const EVERY_MS = 100;

/** Asks until `until`. */
export function recollect(parts: PeopleParts, choices: Choices, until: number): void {
  nowAndThen(parts, { choices, everyMs: EVERY_MS, until }, (incarnation) =>
    askOnce(parts, choices, incarnation),
  );
}

async function askOnce(
  { world, profile }: PeopleParts,
  choices: Choices,
  { engine }: Incarnation,
): Promise<void> {
  const role = choices.pick(["list", "deletable"] as const);
  const name = `${role === "list" ? "a" : "d"}${choices.between(1, profile.actors)}`;
  const agoMs = choices.between(0, 2 * profile.revisionsKeptMs!);
  const time = world.wall() - Math.min(agoMs, world.clock.monotonic());
  const asked = { actor: `${role}/${name}`, time, startedSequence: world.next() };
  const answered = (answer: Recollection["answer"]): void => {
    world.count(answer === undefined ? "recollected nothing" : "recollected");
    const ended = { wall: world.wall(), endedSequence: world.next() };
    world.recollections.push({ ...asked, ...ended, answer });
  };
  world.recollecting++;
  try {
    const { revision, state } = await engine.stored(engine.type(role), name).readAt(time);
    answered({ revision, items: (state as { items: readonly string[] }).items });
  } catch (error) {
    if (!isSpawnError(error) || error.code !== "INVALID_ARGUMENT") throw error;
    answered(undefined);
  } finally {
    world.recollecting--;
  }
}
