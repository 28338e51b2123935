/** Brings an actor to life that nobody calls, because it has timers. */
import type { ActionDefinition } from "../actor-definition.ts";
import type { Clock } from "../clock.ts";
import type { SpawnError } from "../errors.ts";

/** Does nothing, for which the actor has to be alive. */
export const WAKE_UP: ActionDefinition = {
  name: "wake up",
  isRead: true,
  parse: undefined,
  run: () => undefined,
};

/** How long to wait before the next try, in milliseconds: doubled each time. */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;

/** Nobody else may ever call it, so it is tried until it lives. */
export async function wakeUp(
  call: () => Promise<unknown>,
  around: {
    readonly clock: Clock;
    /** Whether it may come to life at all. */
    readonly isRunning: () => boolean;
    readonly failed: (error: SpawnError) => void;
  },
): Promise<void> {
  const { clock, isRunning, failed } = around;
  for (let delayMs = RETRY_MS_MIN; isRunning(); delayMs = Math.min(RETRY_MS_MAX, delayMs * 2)) {
    try {
      return void (await call());
    } catch (error) {
      failed(error as SpawnError);
    }
    await new Promise<void>((resolve) => void clock.timer(delayMs, resolve));
  }
}
