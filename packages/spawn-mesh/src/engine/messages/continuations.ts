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
import { SpawnError, messageOf } from "../errors.ts";
import type { Invocation, Step } from "../calls/invocation.ts";
import type { Watch, Watched } from "../time/watch.ts";

/** A step that somebody waits for. */
interface AwaitedStep {
  readonly target: ActorId;
  invocations: readonly Invocation[];
  /** Why it could not be delivered when that was tried last. */
  obstacle: SpawnError | undefined;
}

export class Continuations implements Watched {
  readonly #watch: Watch;
  /** By the id of the step that will answer. */
  readonly #waiting = new Map<string, AwaitedStep>();
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
    const { invocations = [], obstacle } = this.#waiting.get(id) ?? {};
    this.#waiting.set(id, { target, invocations: [...invocations, invocation], obstacle });
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

  /** The step could not be delivered, and is tried again: whoever gives up until then is told why. */
  delayed(step: string, obstacle: SpawnError): void {
    const awaited = this.#waiting.get(step);
    if (awaited !== undefined) awaited.obstacle = obstacle;
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
    for (const [step, awaited] of this.#waiting) {
      awaited.invocations = awaited.invocations.filter((each) => !gaveUp(each, awaited, now));
      for (const { deadlineAt } of awaited.invocations)
        this.dueAt = Math.min(this.dueAt, deadlineAt);
      if (awaited.invocations.length === 0) this.#waiting.delete(step);
    }
    this.#rest();
  }

  /** The system ends, and with it everybody's hope for an answer. */
  forsake(error: SpawnError): void {
    for (const step of this.#waiting.keys()) this.fail(step, error);
  }

  /** Those that wait for the step, who wait no longer. */
  take(step: string): readonly Invocation[] {
    const awaited = this.#waiting.get(step);
    if (awaited === undefined) return [];
    this.#waiting.delete(step);
    this.#rest();
    return awaited.invocations;
  }

  #rest(): void {
    if (this.#waiting.size > 0) return;
    this.dueAt = Infinity;
    this.#watch.delete(this);
  }
}

/** Whether the caller waits no longer; what it called goes on. */
function gaveUp(invocation: Invocation, awaited: AwaitedStep, now: number): boolean {
  if (invocation.deadlineAt <= now) {
    invocation.fail(unanswered(invocation, awaited));
  } else if (invocation.isAnswered) {
    invocation.end();
  } else {
    return false;
  }
  return true;
}

function unanswered({ action }: Invocation, { target, obstacle }: AwaitedStep): SpawnError {
  const where = `${action.name} was applied and goes on in ${formatActorId(target)}`;
  if (obstacle === undefined) {
    const reason = `${where}, which did not answer in time`;
    return new SpawnError("DEADLINE_EXCEEDED", reason, { applied: "yes" });
  }
  const reason = `${where}, which could not be called in time: ${messageOf(obstacle)}`;
  return new SpawnError("DEADLINE_EXCEEDED", reason, { applied: "yes", cause: obstacle });
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
