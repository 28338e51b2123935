/** Those who use actors that delete themselves, several calls at a time, so that some wait behind the last. */
import type { Choices } from "./choices.ts";
import { Client } from "./clients.ts";
import { nowAndThen } from "./now-and-then.ts";
import type { PeopleParts } from "./now-and-then.ts";

const EVERY_MS = 100;
const AT_ONCE_MAX = 4;
const ACTORS = 2;

/** Uses them until `until`. */
export function useMortals(parts: PeopleParts, choices: Choices, until: number): void {
  // Where the clock is set back, two timers of two lives may be planned for the same moment.
  if (parts.profile.disasters.includes("clock-jump")) return;
  const client = new Client("e", parts);
  nowAndThen(parts, { choices, everyMs: EVERY_MS, until }, async () => {
    const name = `e${choices.between(1, ACTORS)}`;
    const count = choices.between(1, AT_ONCE_MAX);
    await Promise.all(Array.from({ length: count }, () => client.useMortal(name)));
  });
}
