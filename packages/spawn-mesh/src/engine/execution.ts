/**
 * Runs the actions of one activation, one at a time.
 *
 * A synchronous action is over when its function returns. An asynchronous one keeps the actor to
 * itself until its promise settles, or until it is abandoned: because it outlived its deadline for
 * too long, or because the commit beneath it failed. An abandoned run may go on, but it can change
 * nothing and call nobody any more.
 */
import { formatActorId } from "./actor-id.ts";
import type { ActorDefinition } from "./actor-definition.ts";
import type { EngineParts } from "./actor-type.ts";
import type { CommitPipeline } from "./commit-pipeline.ts";
import { SpawnError, isSpawnError } from "./errors.ts";
import { isFailure } from "./failure.ts";
import type { Invocation } from "./invocation.ts";
import { LiveState } from "./live-state.ts";
import { Run } from "./run.ts";
import type { RunOwner } from "./run.ts";
import { changeOf, failureOf } from "./run-outcome.ts";
import type { RunOutcome } from "./run-outcome.ts";
import { copyValue } from "./values.ts";

/** The activation, as its execution sees it. */
export interface ExecutionOwner extends RunOwner {
  readonly definition: ActorDefinition;
  readonly pipeline: CommitPipeline;
  /** An action was successful; its outcome has to become durable and its caller to be answered. */
  succeeded(run: Run, outcome: RunOutcome, now: number): void;
  /** The asynchronous run is over; the next action may begin. */
  resumed(): void;
}

export class Execution {
  readonly state: LiveState;
  readonly #owner: ExecutionOwner;
  readonly #parts: EngineParts;
  #running: Run | undefined;

  constructor(owner: ExecutionOwner, parts: EngineParts) {
    this.#owner = owner;
    this.#parts = parts;
    this.state = new LiveState(owner.definition);
  }

  /** The invocation of the asynchronous run that is going on. */
  get running(): Invocation | undefined {
    return this.#running?.invocation;
  }

  run(invocation: Invocation): void {
    const run = new Run(this.#owner, invocation);
    const { action } = invocation;
    let input: unknown;
    try {
      this.state.prepare(this.#owner.pipeline.bytes);
      input = this.#inputOf(invocation);
    } catch (refusal) {
      return this.#fail(run, this.#errorOf(run, refusal));
    }
    let result: unknown;
    let isPromised: boolean;
    try {
      result = this.#parts.host.run(action.run, run, input);
      isPromised = isThenable(result);
    } catch (thrown) {
      return this.#fail(run, failureOf(this.#owner.id, action.name, thrown));
    }
    if (isPromised) void this.#runOn(run, result);
    else this.#conclude(run, result);
  }

  /**
   * What the action receives. A durable action may have to run again, after it has changed its
   * payload or put it into a state that others changed; so each run gets a copy of its own.
   */
  #inputOf({ action, payload }: Invocation): unknown {
    const { definition } = this.#owner;
    const mayRunAgain = definition.durability === "durable" && definition.state !== undefined;
    const input = mayRunAgain ? copyValue(payload, "payload") : payload;
    return action.parse === undefined ? input : action.parse(input);
  }

  /** The action's code should stop, its result will not be used. */
  abort(error: SpawnError): void {
    this.#running?.abort(error);
  }

  /** When {@link expire} has to be called next; `Infinity` if not. */
  dueAt(now: number): number {
    if (this.#running === undefined) return Infinity;
    const { deadlineAt } = this.#running.invocation;
    return deadlineAt > now ? deadlineAt : deadlineAt + this.#parts.limits.actionGraceMs;
  }

  /** Stops a run whose deadline has passed, and goes on without it when it does not stop. */
  expire(now: number): void {
    const running = this.running;
    if (running === undefined || running.deadlineAt > now) return;
    const error = new SpawnError(
      "DEADLINE_EXCEEDED",
      `${formatActorId(this.#owner.id)} took too long for ${running.action.name}`,
    );
    this.abort(error);
    if (running.deadlineAt + this.#parts.limits.actionGraceMs > now) return;
    this.abandon(error);
    this.#owner.resumed();
  }

  /** Goes on without the run that is under way, and tells its caller. */
  abandon(error: SpawnError): void {
    const run = this.#running;
    if (run === undefined) return;
    this.#running = undefined;
    this.state.forget();
    run.abort(error);
    run.revoke();
    this.#parts.emit({
      type: "run-abandoned",
      actor: this.#owner.id,
      action: run.invocation.action.name,
    });
    run.invocation.fail(error);
  }

  /** The action returned a promise: the actor does nothing else until it settles or is abandoned. */
  async #runOn(run: Run, result: unknown): Promise<void> {
    this.#running = run;
    let conclude: () => void;
    try {
      const value = await result;
      conclude = () => this.#conclude(run, value);
    } catch (thrown) {
      conclude = () =>
        this.#fail(run, failureOf(this.#owner.id, run.invocation.action.name, thrown));
    }
    if (this.#running !== run) return;
    this.#running = undefined;
    conclude();
    this.#owner.resumed();
  }

  /** The action returned: its result is copied, its state encoded, and the owner takes both. */
  #conclude(run: Run, result: unknown): void {
    const { invocation } = run;
    const owner = this.#owner;
    run.revoke();
    const now = this.#parts.time.now();
    if (invocation.deadlineAt <= now) {
      invocation.giveUp(
        "DEADLINE_EXCEEDED",
        `${formatActorId(owner.id)} took too long for ${invocation.action.name}`,
      );
    }
    if (invocation.isAnswered) return this.#discard(run);
    if (isFailure(result))
      return this.#fail(run, failureOf(owner.id, invocation.action.name, result));
    try {
      const outcome = changeOf(run, result, {
        state: this.state,
        now,
        clock: this.#parts.clock,
        pipeline: owner.pipeline,
        definition: owner.definition,
        limits: this.#parts.limits,
      });
      this.state.endRun();
      owner.succeeded(run, outcome, now);
    } catch (thrown) {
      this.#fail(run, this.#errorOf(run, thrown));
    }
  }

  /** What the engine itself found wrong has its own code; anything else is the action's doing. */
  #errorOf(run: Run, thrown: unknown): SpawnError {
    return isSpawnError(thrown)
      ? thrown
      : failureOf(this.#owner.id, run.invocation.action.name, thrown);
  }

  #fail(run: Run, error: SpawnError): void {
    run.revoke();
    if (run.isStateUsed) this.state.forget();
    run.invocation.fail(error);
  }

  /** Nobody waits for the result any more: it is as if the action had not run. */
  #discard(run: Run): void {
    if (run.isStateUsed) this.state.forget();
    run.invocation.end();
  }
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}
