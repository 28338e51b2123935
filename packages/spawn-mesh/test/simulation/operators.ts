/** Those who look after the system: they decide about messages that were given up, and cancel others. */
import { isSpawnError } from "../../src/engine/errors.ts";
import type { MessageOperations } from "../../src/engine/messages/message-operations.ts";
import type { Incarnation, Surroundings } from "./incarnation.ts";

const EVERY_MS = 900;

export interface OperatorParts extends Surroundings {
  readonly alive: () => readonly Incarnation[];
}

/** Looks after the messages until `until`. */
export function lookAfterMessages(parts: OperatorParts, until: number): void {
  const { world, profile, alive } = parts;
  if (!profile.messages.hasOperators) return;
  world.clock.timer(world.choices.waitMs(EVERY_MS), () => {
    if (world.clock.monotonic() >= until) return;
    const incarnation = world.choices.pick(alive());
    if (incarnation !== undefined) void intervene(parts, incarnation.engine.messages);
    lookAfterMessages(parts, until);
  });
}

async function intervene({ world }: OperatorParts, messages: MessageOperations): Promise<void> {
  const { choices } = world;
  try {
    if (choices.chance(0.4)) {
      const [message] = await messages.list({ limit: choices.between(1, 5) });
      if (message === undefined || message.headers.kind !== "call") return;
      world.cancelled.add(message.id);
      if (await messages.cancel(message.id)) world.count("operator cancelled");
    } else {
      const ids = (await messages.listParked({ limit: choices.between(1, 10) })).map(
        ({ id }) => id,
      );
      const isRetry = choices.chance(0.7);
      const done = await (isRetry ? messages.retry(...ids) : messages.discard(...ids));
      world.count(isRetry ? "operator retried" : "operator discarded", done.length);
    }
  } catch (error) {
    if (isSpawnError(error)) return;
    world.violations.push({ invariant: "I15", what: `an answer without a type: ${String(error)}` });
  }
}
