/**
 * Transactions that a database took back because two of them waited for one another. They did nothing
 * wrong and changed nothing, so they are run again here, soon, a few times.
 */
import { StoreFailure } from "../../engine/statestore.ts";

const ATTEMPTS_MAX = 5;
/** The longest wait before the second attempt, in milliseconds; twice as long before each later one. */
const WAIT_MS_MAX = 10;

export async function repeatDeadlocks<Answer>(
  isDeadlock: (cause: unknown) => boolean,
  run: () => Promise<Answer>,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const isOver = !(error instanceof StoreFailure) || error.kind !== "retry";
      if (isOver || attempt === ATTEMPTS_MAX || !isDeadlock(error.cause)) throw error;
      const waitMs = Math.random() * WAIT_MS_MAX * 2 ** (attempt - 1);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
