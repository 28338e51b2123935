/** An actor that notes what it hears and when, and a virtual clock that goes on in steps. */
import { actor } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import { VirtualClock } from "spawn-mesh/testing";
import { settled } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

/** The wall clock's time at the start of every virtual clock. */
export const START = new VirtualClock().wall();

/** Notes each line with the milliseconds since {@link START}. */
export const diary = actor("diary", {
  kind: "unnamed",
  state: () => ({ lines: [] as string[] }),
  actions: {
    write(ctx, line: string) {
      ctx.state.lines.push(`${line} ${ctx.now - START}`);
    },
  },
});

export async function linesOf(system: ActorSystem, name = "d"): Promise<readonly string[]> {
  return (await system.actor(diary, name).get()).lines;
}

/** Lets that much time pass, a step at a time. */
export async function pass(
  { clock }: Pick<StartedSystem, "clock">,
  ms: number,
  steps = 10,
): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await clock.advance(ms / steps);
    await settled();
  }
}
