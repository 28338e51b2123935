/**
 * Callers whose calls go on in another actor: the action that they called has committed a step (a pipe
 * or a forward), and the answer is that of the step, or of the step after it.
 *
 * Only the answer is kept here. The steps are stored and go on without it: a caller that gives up, or
 * dies with this process, changes nothing of what they do.
 */
import { formatActorId } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import { NO_CHAIN, isWaiting } from "../calls/call-chain.ts";
import { SpawnError } from "../errors.ts";
import type { Invocation, Step } from "../calls/invocation.ts";
import type { Watch, Watched } from "../time/watch.ts";

export class Continuations implements Watched {
  readonly #watch: Watch;
  /** By the id of the step that will answer. */
  readonly #waiting = new Map<string, Invocation[]>();
  dueAt: number = Infinity;

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  /**
   * The invocation is answered when the step is; its actor has nothing more to do with it. If the step
   * has to wait for the caller itself, that is told at once.
   */
  wait({ id, target }: Step, invocation: Invocation): void {
    invocation.goOn();
    if (isWaiting(invocation.details?.chain ?? NO_CHAIN, target)) {
      return invocation.fail(cycle(invocation, target));
    }
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) this.#waiting.set(id, [invocation]);
    else waiting.push(invocation);
    this.dueAt = Math.min(this.dueAt, invocation.deadlineAt);
    this.#watch.add(this);
  }

  /** Whoever waits for one step waits for another from now on. */
  move(from: string, to: Step): void {
    for (const invocation of this.take(from)) this.wait(to, invocation);
  }

  /** Whether anybody waits for the step. */
  has(step: string): boolean {
    return this.#waiting.has(step);
  }

  succeed(step: string, reply: unknown): void {
    for (const invocation of this.take(step)) invocation.succeed(reply);
  }

  /** The step failed. What was called first is applied all the same, and the error says so. */
  fail(step: string, error: SpawnError): void {
    for (const invocation of this.take(step)) invocation.fail(asApplied(error));
  }

  onDue(now: number): void {
    this.dueAt = Infinity;
    for (const [step, all] of this.#waiting) {
      const waiting = all.filter((invocation) => !gaveUp(invocation, now));
      for (const { deadlineAt } of waiting) this.dueAt = Math.min(this.dueAt, deadlineAt);
      if (waiting.length === 0) this.#waiting.delete(step);
      else this.#waiting.set(step, waiting);
    }
    this.#rest();
  }

  /** The system ends, and with it everybody's hope for an answer. */
  forsake(error: SpawnError): void {
    for (const step of this.#waiting.keys()) this.fail(step, error);
  }

  /** Those that wait for the step, who wait no longer. */
  take(step: string): readonly Invocation[] {
    const waiting = this.#waiting.get(step);
    if (waiting === undefined) return [];
    this.#waiting.delete(step);
    this.#rest();
    return waiting;
  }

  #rest(): void {
    if (this.#waiting.size > 0) return;
    this.dueAt = Infinity;
    this.#watch.delete(this);
  }
}

/** Whether the caller waits no longer; what it called goes on. */
function gaveUp(invocation: Invocation, now: number): boolean {
  if (invocation.deadlineAt <= now) {
    const reason = `${invocation.action.name} was applied and goes on in other actors, which did not answer in time`;
    invocation.fail(new SpawnError("DEADLINE_EXCEEDED", reason, { applied: "yes" }));
  } else if (invocation.isAnswered) {
    invocation.end();
  } else {
    return false;
  }
  return true;
}

function cycle({ action }: Invocation, target: ActorId): SpawnError {
  const reason = `${action.name} was applied and goes on in ${formatActorId(target)}, which waits for this call and cannot answer it before that has ended`;
  return new SpawnError("CYCLE", reason, { applied: "yes" });
}

function asApplied(error: SpawnError): SpawnError {
  const { code, message, cause, failure } = error;
  return new SpawnError(code, message.replace(`[${code}] `, ""), {
    applied: "yes",
    cause,
    ...(failure && { failure }),
  });
}
