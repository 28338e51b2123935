/** What the programs here have in common: lists on a SQLite file, and a word for every answer. */
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { actor, actorSystem, isSpawnError, read } from "spawn-mesh";
import type { ActorSystem, ActorSystemOptions } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";

const SLOW_MS = 20;
/** What a process ends with that `exit` ended. */
export const EXIT_STATUS = 7;

export const list = actor("list", {
  kind: "unnamed",
  state: (): { elements: number[] } => ({ elements: [] }),
  actions: {
    append: (ctx, element: number) => ctx.state.elements.push(element),
    async appendSlowly(ctx, element: number) {
      await sleep(SLOW_MS);
      return ctx.state.elements.push(element);
    },
    elements: read((ctx) => ctx.state.elements),
    exit(ctx, element: number) {
      ctx.state.elements.push(element);
      process.exit(EXIT_STATUS);
    },
    loop(ctx, element: number) {
      ctx.state.elements.push(element);
      process.send?.("looping");
      for (;;) ctx.state.elements[0] = element;
    },
    reject(ctx, element: number) {
      ctx.state.elements.push(element);
      void Promise.reject(new Error("nobody listens"));
    },
  },
});

export function listSystem(
  file: string,
  options: Pick<ActorSystemOptions, "handleSignals"> & { readonly name?: string } = {},
): ActorSystem {
  const { name = "lists", ...others } = options;
  return actorSystem(name, { actors: [list], statestore: sqliteStatestore({ file }), ...others });
}

/** Writes a line to standard output, a file: what is said is said, whatever happens next. */
export function say(line: string): void {
  writeSync(1, `${line}\n`);
}

/** Calls, and says how the call ended: `acknowledged NAME ELEMENT`, or the error. */
export async function appendAndSay(
  system: ActorSystem,
  call: { readonly name: string; readonly element: number; readonly isSlow?: boolean },
): Promise<boolean> {
  const { name, element, isSlow = false } = call;
  const reference = system.actor(list, name);
  try {
    await (isSlow ? reference.appendSlowly(element) : reference.append(element));
    say(`acknowledged ${name} ${element}`);
    return true;
  } catch (error) {
    if (!isSpawnError(error)) throw error;
    say(`refused ${name} ${element} ${error.code} ${error.applied}`);
    return false;
  }
}
