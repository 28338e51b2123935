/**
 * Those who call and leave alone the actors whose time runs out: now and then while there is nobody else, more
 * often later, and just when somebody looks for those whose time is over.
 */
import type { Choices } from "./choices.ts";
import { Client } from "./clients.ts";
import { nowAndThen } from "./now-and-then.ts";
import type { PeopleParts } from "./now-and-then.ts";

const EVERY_MS = 2_000;
const EVERY_BUSY_MS = 150;
/** How soon they come when somebody looks. */
const AT_ONCE_MS = 15;
const ACTORS = 8;

/** Visits actors until `until`. */
export function visitFleeting(parts: PeopleParts, choices: Choices, until: number): void {
  const { world, profile } = parts;
  const { clock } = world;
  const client = new Client("v", parts);
  const visit = async (): Promise<void> => await client.visit(`e${choices.between(1, ACTORS)}`);
  nowAndThen(parts, { choices, everyMs: EVERY_MS, until }, visit);
  clock.timer(profile.quietMs, () =>
    nowAndThen(parts, { choices, everyMs: EVERY_BUSY_MS, until }, visit),
  );
  world.onLook = () => {
    if (clock.monotonic() >= until) return;
    for (let count = choices.between(0, ACTORS); count > 0; count--) {
      clock.timer(choices.waitMs(AT_ONCE_MS), () => void visit());
    }
  };
}
