/** A newer program writes lists now and then in a shape that nobody here knows, and is gone again. */
import type { Choices } from "./choices.ts";
import { nowAndThen } from "./now-and-then.ts";
import type { PeopleParts } from "./now-and-then.ts";

const EVERY_MS = 250;
const DEFINITION = "deletable";

/** Breaks lists until `until`. */
export function breakLists(parts: PeopleParts, choices: Choices, until: number): void {
  const { world, database, profile } = parts;
  nowAndThen(parts, { choices, everyMs: EVERY_MS, until }, async () => {
    const name = `d${choices.between(1, profile.actors)}`;
    // Who has the database for itself would not notice.
    const isInMemory = parts.alive().some(({ engine }) => engine.type(DEFINITION).isLive(name));
    if (profile.isExclusive && isInMemory) return;
    const actor = { system: "simulation", definition: DEFINITION, name };
    if (await database.breakRow(actor)) world.count("fault broken-row");
  });
}
