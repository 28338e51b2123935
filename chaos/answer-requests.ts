/** The worker's side of the line to its parent: requests come, answers go, in any order. */
import { isSpawnError } from "spawn-mesh";
import type { Applied } from "spawn-mesh";

/** An error on its way between processes. */
export interface Refusal {
  readonly code: string;
  readonly applied: Applied;
  readonly retryable: boolean;
  readonly message: string;
}

export interface ToWorker {
  readonly id: number;
  readonly request: unknown;
}

/** The first message, without an id, says that requests are welcome. */
export interface ToParent {
  readonly id?: number;
  readonly reply?: unknown;
  readonly refusal?: Refusal;
}

export interface RequestHandler {
  readonly handle: (request: unknown) => Promise<unknown>;
  /** The parent wants no more, or is gone. */
  readonly stop: () => Promise<void>;
}

/** Answers the parent's requests until the parent disconnects. */
export function answerRequests({ handle, stop }: RequestHandler): void {
  process.on("message", ({ id, request }: ToWorker) => {
    handle(request).then(
      (reply) => send({ id, reply }),
      (error: unknown) => send({ id, refusal: refusalOf(error) }),
    );
  });
  process.on("disconnect", () => void stop());
  send({});
}

function send(message: ToParent): void {
  // The parent may be gone while the last answers are made.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** @throws what is none of the platform's errors */
export function refusalOf(error: unknown): Refusal {
  if (!isSpawnError(error)) throw error;
  const { code, applied, retryable, message } = error;
  return { code, applied, retryable, message };
}
