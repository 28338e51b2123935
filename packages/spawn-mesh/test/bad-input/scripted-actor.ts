/** Actors that do what a test says, and neighbours that must not notice. */
import { expect } from "vitest";
import { actor, read } from "spawn-mesh";
import type { AnyActor } from "spawn-mesh";
import { errorOf, settled, startSystem } from "../behaviour/start-system.ts";
import type { StartedSystem, StartOptions } from "../behaviour/start-system.ts";

export const list = actor("list", {
  kind: "unnamed",
  state: () => ({ items: [] as unknown[] }),
  actions: {
    add(ctx, item: unknown) {
      ctx.state.items.push(item);
    },
    throws(_ctx, thrown: unknown) {
      throw thrown;
    },
  },
});

type Script = (ctx: never) => unknown;

/** What the scripted actors do next. */
export const script: { run: Script } = { run: () => undefined };

/** Does what a test says, after a change that shows whether it was stored. */
export const scripted = actor("scripted", {
  kind: "unnamed",
  state: () => ({ runs: 0 }),
  actions: {
    run(ctx): unknown {
      ctx.state.runs++;
      return script.run(ctx as never);
    },
    look: read((ctx) => script.run(ctx as never)),
  },
});

export const actors: readonly AnyActor[] = [list, scripted];

export async function start(options?: StartOptions): Promise<StartedSystem> {
  return await startSystem(actors, options);
}

/** Expects the script to be refused, to have changed and sent nothing, and the others to go on. */
export async function expectRefused(
  started: StartedSystem,
  { code, said }: { readonly code: string; readonly said: string },
): Promise<void> {
  const { system } = started;
  const error = await errorOf(system.actor(scripted, "s").run());
  // What an action throws fails the action, and its message goes on.
  expect(error.message).toContain(`[${code}]`);
  expect(error.message).toContain(said);
  expect(error.applied).toBe("no");
  expect(await system.actor(scripted, "s").get()).toEqual({ runs: 0 });
  await expectOthersUnaffected(started);
  expect(await system.messages.list()).toEqual([]);
  expect(await system.messages.listParked()).toEqual([]);
}

/** Expects another actor to send and another one to receive. */
export async function expectOthersUnaffected({ system, clock }: StartedSystem): Promise<void> {
  script.run = (ctx: { effect: Function }) => ctx.effect(list, "neighbour").add("fine");
  await system.actor(scripted, "neighbour").run();
  await settled();
  await clock.advance(10);
  await settled();
  expect(await system.actor(list, "neighbour").get()).toEqual({ items: ["fine"] });
}

export async function pass({ clock }: StartedSystem, ms: number, steps = 20): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await clock.advance(ms / steps);
    await settled();
  }
}
