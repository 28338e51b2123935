/** Other programs that write lists now and then, and are gone again. */
import type { Choices } from "./choices.ts";
import type { OtherProgram } from "./database.ts";
import { nowAndThen } from "./now-and-then.ts";
import type { PeopleParts } from "./now-and-then.ts";

const EVERY_MS = 250;
const DEFINITION = "deletable";

/** A newer one writes lists in a shape that nobody here knows, until `until`. */
export function breakLists(parts: PeopleParts, choices: Choices, until: number): void {
  writeLists(parts, { choices, until, as: "newer" });
}

/** An older one, by whose definition they are found by something else. */
export function misplaceLists(parts: PeopleParts, choices: Choices, until: number): void {
  writeLists(parts, { choices, until, as: "older" });
}

function writeLists(
  parts: PeopleParts,
  by: { readonly choices: Choices; readonly until: number; readonly as: OtherProgram },
): void {
  const { world, database, profile, alive } = parts;
  const { choices, until, as } = by;
  nowAndThen(parts, { choices, everyMs: EVERY_MS, until }, async () => {
    const name = `d${choices.between(1, profile.actors)}`;
    // Who has the database for itself would not notice.
    const isInMemory = alive().some(({ engine }) => engine.type(DEFINITION).isLive(name));
    if (profile.isExclusive && isInMemory) return;
    const actor = { system: "simulation", definition: DEFINITION, name };
    if (await database.writeElsewhere(actor, as)) world.count(`fault row of ${as} program`);
  });
}
