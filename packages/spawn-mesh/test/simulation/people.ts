/** Those who do something in a run besides the clients: each has choices of its own, so that the others stay as they are. */
import { seededRandom } from "../../src/testing/seeded-random.ts";
import { breakLists, misplaceLists } from "./breakers.ts";
import { Choices } from "./choices.ts";
import { reindexLists } from "./indexers.ts";
import { useMortals } from "./enders.ts";
import { recollect } from "./historians.ts";
import type { PeopleParts } from "./now-and-then.ts";
import { lookAfterMessages } from "./operators.ts";
import { purgeLists } from "./purgers.ts";
import { restoreLists } from "./restorers.ts";

type Person = (parts: PeopleParts, choices: Choices, until: number) => void;

/** Who is there in one run after the other. */
const shifts: readonly (readonly Person[])[] = [
  [],
  [purgeLists],
  [restoreLists],
  [useMortals],
  [reindexLists, misplaceLists],
  [],
  [purgeLists, breakLists],
  [restoreLists, breakLists],
  [reindexLists],
  [useMortals],
];

/** Lets people do what they do until `until`. */
export function letPeopleIn(parts: PeopleParts, seed: number, until: number): void {
  lookAfterMessages(parts, until);
  if (parts.profile.revisionsKeptMs !== undefined)
    recollect(parts, new Choices(seededRandom(-seed)), until);
  for (const [at, person] of shifts[seed % shifts.length]!.entries()) {
    person(parts, new Choices(seededRandom(seed + at)), until);
  }
}
