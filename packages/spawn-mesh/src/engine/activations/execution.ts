/**
 * Runs the actions of one activation, one at a time.
 *
 * A synchronous action is over when its function returns. An asynchronous one keeps the actor to
 * itself until its promise settles, or until it is abandoned: because it outlived its deadline for
 * too long, or because the commit beneath it failed. An abandoned run may go on, but it can change
 * nothing and call nobody any more.
 */
import { ActionReply } from "../calls/action-reply.ts";
import { formatActorId } from "../actor-id.ts";
import type { EngineParts } from "./actor-type.ts";
import type { Change } from "../commits/commit-batch.ts";
import { SpawnError, errorAt, isSpawnError } from "../errors.ts";
import { isFailure } from "../failure.ts";
import type { Invocation } from "../calls/invocation.ts";
import type { Limits } from "../limits.ts";
import { LiveState } from "./live-state.ts";
import { Run } from "./run.ts";
import type { InvokeRequest, ReferenceCall } from "./action-context.ts";
import type { RunOwner } from "./run.ts";
import { changeOf, failedStep, failureOf } from "./run-outcome.ts";
import type { RunOutcome, RunSurroundings } from "./run-outcome.ts";
import { composeBroadcast, composeCall } from "../messages/sending.ts";
import type { SendRequest } from "../messages/send-options.ts";
import type { Outgoing } from "../messages/sending.ts";
import { copyValue } from "../values/values.ts";

/** A layer of {@link Activation}: it runs actions on the state, and leaves what comes of them to those above. */
export abstract class Execution extends LiveState implements RunOwner, RunSurroundings {
  abstract override readonly parts: EngineParts;
  #running: Run | undefined;

  /** An action was successful; its outcome has to become durable and its caller to be answered. */
  protected abstract succeeded(run: Run, outcome: RunOutcome, now: number): void;

  /** A remembered step failed: that it is over has to become durable before its caller hears of it. */
  protected abstract stepFailed(invocation: Invocation, change: Change, now: number): void;

  /** The asynchronous run is over; the next action may begin. */
  protected abstract resumed(): void;

  /** The invocation of the asynchronous run that is going on. */
  protected get running(): Invocation | undefined {
    return this.#running?.invocation;
  }

  protected execute(invocation: Invocation): void {
    const run = new Run(this, invocation);
    const { action } = invocation;
    invocation.hasRun = true;
    let input: unknown;
    try {
      this.prepareState();
      input = this.#inputOf(invocation);
    } catch (refusal) {
      return this.#fail(run, this.#errorOf(run, refusal));
    }
    let result: unknown;
    let isPromised: boolean;
    try {
      result = this.parts.host.run(action.run, run, input);
      isPromised = isThenable(result);
    } catch (thrown) {
      return this.#fail(run, this.#thrownBy(run, thrown));
    }
    if (isPromised) void this.#runOn(run, result);
    else this.#conclude(run, result);
  }

  /**
   * What the action receives. A durable action may have to run again, after it has changed its
   * payload or put it into a state that others changed; so each run gets a copy of its own.
   */
  #inputOf({ action, payload }: Invocation): unknown {
    const { definition } = this;
    const mayRunAgain = definition.durability === "durable" && definition.state !== undefined;
    const input = mayRunAgain ? copyValue(payload, "payload") : payload;
    return action.parse === undefined ? input : action.parse(input);
  }

  /** The action's code should stop, its result will not be used. */
  protected abortRun(error: SpawnError): void {
    this.#running?.abort(error);
  }

  /** When {@link expireRun} has to be called next; `Infinity` if not. */
  protected runDueAt(now: number): number {
    if (this.#running === undefined) return Infinity;
    const { deadlineAt } = this.#running.invocation;
    return deadlineAt > now ? deadlineAt : deadlineAt + this.parts.limits.actionGraceMs;
  }

  /** Stops a run whose deadline has passed, and goes on without it when it does not stop. */
  protected expireRun(now: number): void {
    const running = this.running;
    if (running === undefined || running.deadlineAt > now) return;
    const error = new SpawnError(
      "DEADLINE_EXCEEDED",
      `${formatActorId(this.id)} took too long for ${running.action.name}`,
    );
    this.abortRun(error);
    if (running.deadlineAt + this.parts.limits.actionGraceMs > now) return;
    this.abandonRun(error);
    this.resumed();
  }

  /** Goes on without the run that is under way, and tells its caller. */
  protected abandonRun(error: SpawnError): void {
    const run = this.#running;
    if (run === undefined) return;
    this.#running = undefined;
    this.forgetState();
    run.abort(error);
    run.revoke();
    this.parts.emit({
      type: "run-abandoned",
      actor: this.id,
      action: run.invocation.action.name,
    });
    run.invocation.refuse(error);
  }

  /** The action returned a promise: the actor does nothing else until it settles or is abandoned. */
  async #runOn(run: Run, result: unknown): Promise<void> {
    this.#running = run;
    let conclude: () => void;
    try {
      const value = await result;
      conclude = () => this.#conclude(run, value);
    } catch (thrown) {
      conclude = () => this.#fail(run, this.#thrownBy(run, thrown));
    }
    if (this.#running !== run) return;
    this.#running = undefined;
    conclude();
    this.resumed();
  }

  /** The action returned: its result is copied, its state encoded, and those above take both. */
  #conclude(run: Run, result: unknown): void {
    const { invocation } = run;
    let value = result;
    if (result instanceof ActionReply) {
      try {
        result.applyTo(run);
        value = result.value;
      } catch (thrown) {
        return this.#fail(run, this.#errorOf(run, thrown));
      }
    }
    run.revoke();
    const now = this.parts.time.now();
    if (invocation.deadlineAt <= now) {
      invocation.giveUp(
        "DEADLINE_EXCEEDED",
        `${formatActorId(this.id)} took too long for ${invocation.action.name}`,
      );
    }
    if (invocation.isAnswered) return this.#discard(run);
    if (isFailure(value)) return this.#fail(run, failureOf(this.id, invocation.action.name, value));
    try {
      const outcome = changeOf(run, value, this);
      // What the action assigned others may hold too: it served for this run only.
      if (run.isStateAssigned) this.forgetState();
      this.succeeded(run, outcome, now);
    } catch (thrown) {
      this.#fail(run, this.#errorOf(run, thrown));
    }
  }

  /** What the code threw is the action's failure, unless the host says that it is its own. */
  #thrownBy(run: Run, thrown: unknown): SpawnError {
    const { action } = run.invocation;
    return this.parts.host.failure?.(thrown) ?? failureOf(this.id, action.name, thrown);
  }

  /** What the engine itself found wrong has its own code; anything else is the action's doing. */
  #errorOf(run: Run, thrown: unknown): SpawnError {
    const { name } = run.invocation.action;
    if (!isSpawnError(thrown)) return failureOf(this.id, name, thrown);
    return errorAt(`${formatActorId(this.id)} ${name}`, thrown);
  }

  #fail(run: Run, error: SpawnError): void {
    const { invocation } = run;
    run.revoke();
    if (run.isStateUsed) this.forgetState();
    const isStep = invocation.details?.message?.headers.kind === "step";
    const hasKey = invocation.details?.idempotencyKey !== undefined;
    const isRememberedHere = isStep && hasKey && this.definition.state !== undefined;
    if (!isRememberedHere || error.code !== "ACTION_FAILED") return invocation.fail(error);
    const now = this.parts.time.last;
    invocation.refusal = error;
    this.stepFailed(invocation, failedStep(invocation, error, this), now);
  }

  /** Nobody waits for the result any more: it is as if the action had not run. */
  #discard(run: Run): void {
    if (run.isStateUsed) this.forgetState();
    run.invocation.end();
  }

  // What runs need.

  get limits(): Limits {
    return this.parts.limits;
  }

  writeState(state: unknown): void {
    if (this.definition.state === undefined) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${formatActorId(this.id)} has no state: its definition does not give one`,
      );
    }
    this.becomeState(state);
  }

  wall(): number {
    return this.parts.clock.wall();
  }

  call(run: Run, name: string, request: InvokeRequest): Promise<unknown> {
    return this.parts.callFrom({ id: this.id, pipeline: this, run, name, request });
  }

  unheard(run: Run, error: Error): void {
    const { action } = run.invocation;
    this.parts.emit({ type: "async-failed", actor: this.id, action: action.name, error });
  }

  reference(target: unknown, name: string | undefined, call: ReferenceCall): unknown {
    return this.parts.host.reference(target, name, call);
  }

  composeBroadcast(channel: string, payload: unknown, action: string | undefined): Outgoing {
    return composeBroadcast(this.parts, channel, { payload, action });
  }

  compose(run: Run, name: string, request: SendRequest): Outgoing {
    const metadata = run.invocation.details?.metadata;
    return composeCall(this.parts, { name, request }, { id: this.id, metadata });
  }
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}
