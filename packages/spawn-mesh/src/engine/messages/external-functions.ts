/**
 * What actors have done outside: mails, payments, requests to other systems.
 *
 * Such a thing cannot be in one transaction with a state, so it is a message that is stored with the
 * state and carried out afterwards, by whichever process has the function of that name. It is done at
 * least once; the id of the message is the same each time, so that the other side can tell.
 */
import type { ActorId } from "../actor-id.ts";
import type { Clock } from "../clock.ts";
import { SpawnError, describeThrown } from "../errors.ts";
import { isFailure } from "../failure.ts";
import type { Host } from "../host.ts";
import type { Caller } from "../calls/invocation.ts";
import type { StoredMessage } from "../message-store.ts";
import { payloadOf } from "./message-payload.ts";

/** What a function outside learns besides its payload. */
export interface ExternalCall {
  /** The same at every attempt: an idempotency key for the other side. */
  readonly id: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The actor that asked for it. */
  readonly actor: ActorId | undefined;
  /** Aborts when the attempt has taken too long. */
  readonly signal: AbortSignal;
}

/**
 * Does something outside. When it returns or resolves it is done; when it throws it is tried again
 * later; when it returns `fail(…)` it is parked at once, because trying again will not help.
 */
export type ExternalFunction = (payload: unknown, call: ExternalCall) => unknown;

export interface ExternalFunctionsParts {
  readonly functions: ReadonlyMap<string, ExternalFunction>;
  readonly clock: Clock;
  /** Knows what no function has thrown. */
  readonly host: Host;
  readonly timeoutMs: number;
}

export class ExternalFunctions {
  readonly #parts: ExternalFunctionsParts;

  constructor(parts: ExternalFunctionsParts) {
    this.#parts = parts;
  }

  has(name: string): boolean {
    return this.#parts.functions.has(name);
  }

  /** Carries a message out with the function of that name, which is here. */
  deliver(message: StoredMessage, caller: Caller): void {
    const run = this.#parts.functions.get(message.target.name)!;
    this.#carryOut(run, message).then(
      () => caller.resolve(undefined),
      (error: SpawnError) => caller.reject(error),
    );
  }

  async #carryOut(run: ExternalFunction, message: StoredMessage): Promise<void> {
    const { name } = message.target;
    const result = await this.#attempt(run, message);
    if (isFailure(result)) {
      throw new SpawnError("INVALID_ARGUMENT", `${name} refused: ${describeThrown(result.code)}`);
    }
  }

  async #attempt(run: ExternalFunction, message: StoredMessage): Promise<unknown> {
    const { clock, host, timeoutMs } = this.#parts;
    const { id, attempts, source, target } = message;
    const abort = new AbortController();
    const late = Promise.withResolvers<never>();
    const timer = clock.timer(
      timeoutMs,
      () => {
        const error = new SpawnError(
          "DEADLINE_EXCEEDED",
          `${target.name} took more than ${timeoutMs} ms`,
        );
        abort.abort(error);
        late.reject(error);
      },
      { keepAlive: true },
    );
    const call = { id, attempt: Math.max(1, attempts), actor: source, signal: abort.signal };
    try {
      return await Promise.race([run(payloadOf(message), call), late.promise]);
    } catch (thrown) {
      if (abort.signal.aborted) throw abort.signal.reason;
      const said = `${target.name}: ${describeThrown(thrown)}`;
      throw host.failure?.(thrown) ?? new SpawnError("ACTION_FAILED", said, { cause: thrown });
    } finally {
      timer.cancel();
    }
  }
}
