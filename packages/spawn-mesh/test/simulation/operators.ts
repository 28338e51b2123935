/** Those who look after the system: they decide about messages that were given up, and cancel others. */
import type { MessageOperations } from "../../src/engine/messages/message-operations.ts";
import { nowAndThen } from "./now-and-then.ts";
import type { PeopleParts } from "./now-and-then.ts";
import type { World } from "./world.ts";

const EVERY_MS = 900;

/** Looks after the messages until `until`. */
export function lookAfterMessages(parts: PeopleParts, until: number): void {
  const { world, profile } = parts;
  if (!profile.messages.hasOperators) return;
  nowAndThen(parts, { choices: world.choices, everyMs: EVERY_MS, until }, ({ engine }) =>
    intervene(world, engine.messages),
  );
}

async function intervene(world: World, messages: MessageOperations): Promise<void> {
  const { choices } = world;
  if (choices.chance(0.4)) {
    const [message] = await messages.list({ limit: choices.between(1, 5) });
    if (message === undefined || message.headers.kind !== "call") return;
    world.cancelled.add(message.id);
    if (await messages.cancel(message.id)) world.count("operator cancelled");
  } else {
    const parked = await messages.listParked({ limit: choices.between(1, 10) });
    const ids = parked.map(({ id }) => id);
    const isRetry = choices.chance(0.7);
    const done = await (isRetry ? messages.retry(...ids) : messages.discard(...ids));
    world.count(isRetry ? "operator retried" : "operator discarded", done.length);
  }
}
