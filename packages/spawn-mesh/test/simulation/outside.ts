/** What is done outside of actors: as their payloads say, and at least once. */
import { sleep } from "../../src/engine/clock.ts";
import type { ExternalCall, ExternalFunction } from "../../src/engine/external-functions.ts";
import { fail } from "../../src/engine/failure.ts";
import type { DefinitionParts } from "./definitions.ts";
import { OUTSIDE_NAME } from "./posts.ts";
import type { PostPayload } from "./posts.ts";

/** The functions outside, as one incarnation carries them out. */
export function outsideOf(parts: DefinitionParts): ReadonlyMap<string, ExternalFunction> {
  const run: ExternalFunction = (payload, call) => carryOut(parts, payload as PostPayload, call);
  return new Map([[OUTSIDE_NAME, run]]);
}

async function carryOut(
  { world, clock, incarnation }: DefinitionParts,
  { value, mode, ms }: PostPayload,
  { id }: ExternalCall,
): Promise<unknown> {
  world.count(`outside ${mode}`);
  world.runs.push({ sequence: world.next(), at: clock.wall(), actor: OUTSIDE_NAME, item: value });
  const attempts = world.outside.get(value) ?? { ids: new Set(), doneAt: undefined };
  attempts.ids.add(id);
  world.outside.set(value, attempts);
  switch (mode) {
    case "moody":
      if (world.choices.chance(0.5)) throw new Error("nobody is at home");
      break;
    case "throw":
    case "spoil":
      throw new Error("there is no way");
    case "fail":
      return fail("refused");
    case "deadly":
      incarnation.isDoomed = true;
      return await new Promise(() => undefined);
    case "slow":
      await sleep(clock, ms);
      break;
    case "plain":
      await sleep(clock, ms % 3);
      break;
  }
  attempts.doneAt ??= world.next();
  return undefined;
}
