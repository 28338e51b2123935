/** Somebody who does something with one of the processes now and then, whatever happens to that meanwhile. */
import { isSpawnError } from "../../src/engine/errors.ts";
import type { Choices } from "./choices.ts";
import type { Incarnation, Surroundings } from "./incarnation.ts";

/** What people outside of the processes need. */
export interface PeopleParts extends Surroundings {
  /** The incarnations that take calls. */
  readonly alive: () => readonly Incarnation[];
}

/** Acts until `until`, after waiting times with that mean. */
export function nowAndThen(
  parts: PeopleParts,
  when: { readonly choices: Choices; readonly everyMs: number; readonly until: number },
  act: (incarnation: Incarnation) => Promise<void>,
): void {
  const { world, alive } = parts;
  const { choices, everyMs, until } = when;
  world.clock.timer(choices.waitMs(everyMs), () => {
    if (world.clock.monotonic() >= until) return;
    const incarnation = choices.pick(alive());
    if (incarnation !== undefined) void typed(parts, act(incarnation));
    nowAndThen(parts, when, act);
  });
}

/** Whatever fails, fails with an error of the platform. */
async function typed({ world }: PeopleParts, acting: Promise<void>): Promise<void> {
  try {
    await acting;
  } catch (error) {
    if (isSpawnError(error)) return;
    world.violations.push({ invariant: "I15", what: `an answer without a type: ${String(error)}` });
  }
}
