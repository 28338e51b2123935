/**
 * One life of the process: an engine with its own clock, connection and callers.
 *
 * When it is paused, whatever would happen to it happens afterwards, late, as with SIGSTOP. When it
 * crashes, nothing happens to it any more, and its callers learn nothing, whatever the engine says.
 */
import type { Clock, Timer } from "../../src/engine/clock.ts";
import { Engine } from "../../src/engine/engine.ts";
import { cronTimes } from "../../src/sdk/cron-times.ts";
import { isSpawnError } from "../../src/engine/errors.ts";
import type { InvokeRequest } from "../../src/engine/activations/action-context.ts";
import { Connection } from "./connection.ts";
import type { Database } from "./database.ts";
import { definitionsOf } from "./definitions.ts";
import { outsideOf } from "./outside.ts";
import { postHost } from "./post-definitions.ts";
import type { Profile } from "./profile.ts";
import type { Operation, Outcome } from "./run-log.ts";
import type { World } from "./world.ts";

/** What a caller gets: never a rejection. */
export interface Answer {
  readonly outcome: Outcome;
  readonly reply: unknown;
  readonly code: string | undefined;
  readonly isRetryable: boolean;
}

export interface CallRequest extends InvokeRequest {
  readonly name: string;
  readonly definition: string;
  readonly deadlineMs: number;
}

const CUT_OFF: Answer = {
  outcome: "unknown",
  reply: undefined,
  code: undefined,
  isRetryable: true,
};

export interface Surroundings {
  readonly world: World;
  readonly profile: Profile;
  readonly database: Database;
}

export class Incarnation {
  readonly label: string;
  readonly engine: Engine;
  readonly connection: Connection;
  readonly #around: Surroundings;
  /** What cuts off the callers that wait, by call: clients, and actions of the engine itself. */
  readonly #waiting = new Map<symbol, () => void>();
  readonly #waitingInside = new Map<symbol, () => void>();
  readonly #pending = new Map<string, number>();
  /** Actors that were called since the last {@link measure}. */
  readonly #called = new Set<string>();
  #pausedUntil = 0;
  isDead = false;
  /** An action runs that ends the process. */
  isDoomed = false;
  /** Takes no more calls: it is stopping or has stopped. */
  isLeaving = false;

  constructor(label: string, around: Surroundings) {
    const { world, profile, database } = around;
    this.label = label;
    this.#around = around;
    const clock = this.#ownClock();
    this.connection = new Connection({
      world,
      database,
      label,
      limits: profile.limits,
      ghostMsMax: profile.ghostMsMax,
      isExclusive: profile.isExclusive,
      clock,
    });
    const parts = { ...around, clock, incarnation: this };
    this.engine = new Engine({
      system: "simulation",
      definitions: definitionsOf(parts),
      externals: outsideOf(parts),
      cronTimes,
      store: this.connection,
      clock,
      random: world.random,
      host: postHost,
      limits: profile.limits,
      onEvent: (event) => {
        world.count(`event ${event.type}`);
        if (event.type === "store-rollback") {
          const what = `${label} says that the store lost ${event.actor.name} ${event.known}`;
          world.violations.push({ invariant: "I1", what });
        }
        world.note(`${label}: ${event.type}${"actor" in event ? ` ${event.actor.name}` : ""}`);
      },
    });
  }

  /** Runs the action when the incarnation is awake; never if it is dead by then. */
  whenAwake(action: () => void): void {
    const { clock } = this.#around.world;
    if (this.isDead) return;
    const restMs = this.#pausedUntil - clock.monotonic();
    if (restMs > 0) clock.timer(restMs, () => this.whenAwake(action));
    else action();
  }

  pause(ms: number): void {
    const { world } = this.#around;
    const from = world.clock.monotonic();
    world.note(`${this.label}: paused for ${ms} ms`);
    world.pauses.push({ owner: this.label, from, until: from + ms });
    this.#pausedUntil = Math.max(this.#pausedUntil, from + ms);
  }

  crash(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#around.world.note(`${this.label}: crashed with ${this.#waiting.size} calls`);
    this.#cutOff();
    this.engine.crash();
  }

  /** How many calls wait for an answer, once those that were refused have had theirs. */
  measure(): void {
    if (this.#called.size === 0) return;
    const { world, profile } = this.#around;
    const { mailboxLengthMax, speculationMax } = profile.limits;
    // What waits, what runs, what the commit in flight took with it, and what came on top of it.
    const limit = mailboxLengthMax + 1 + 3 * speculationMax;
    for (const actor of this.#called) {
      world.peak(`calls of ${actor}`, limit, this.#pending.get(actor)!);
    }
    this.#called.clear();
  }

  /** The engine has stopped by itself, so that everybody must have had an answer. */
  stopped(): void {
    const { world } = this.#around;
    world.note(`${this.label}: stopped`);
    this.isDead = true;
    if (this.#waiting.size > 0) {
      const what = `${this.label} stopped with ${this.#waiting.size} calls that have no answer`;
      world.violations.push({ invariant: "I15", what });
    }
    this.#cutOff();
  }

  #cutOff(): void {
    const waiting = [...this.#waiting.values(), ...this.#waitingInside.values()];
    for (const cutOff of waiting) cutOff();
  }

  /** Calls an actor. Always resolves, also when the incarnation dies or its answer is an error. */
  call(operation: Operation, request: CallRequest): Promise<Answer> {
    return this.#unlessDead(this.#waiting, (settle) => {
      this.whenAwake(() => void this.#callNow(operation, request).then(settle));
    });
  }

  /** The answer to a call that an action made. */
  hear(operation: Operation, reply: Promise<unknown>): Promise<Answer> {
    return this.#unlessDead(this.#waitingInside, (settle) => {
      void this.#answerTo(operation, reply).then(settle);
    });
  }

  /** Whoever waits for this process learns nothing when it dies. */
  #unlessDead(
    waiting: Map<symbol, () => void>,
    begin: (settle: (answer: Answer) => void) => void,
  ): Promise<Answer> {
    return new Promise((resolve) => {
      const id = Symbol("call");
      waiting.set(id, () => resolve(CUT_OFF));
      begin((answer) => {
        if (waiting.delete(id)) resolve(answer);
      });
    });
  }

  async #answerTo(operation: Operation, reply: Promise<unknown>): Promise<Answer> {
    const { world } = this.#around;
    try {
      const answer = await reply;
      const mayBeUnloaded = answer === undefined || operation.role === "post-stateless";
      const isLoaded = mayBeUnloaded || this.connection.hasLoaded(operation.actor);
      if (!this.isDead && !isLoaded)
        world.unloaded.push(`${this.label} answered ${operation.actor}`);
      return { outcome: "yes", reply: answer, code: undefined, isRetryable: false };
    } catch (error) {
      if (!isSpawnError(error) || error.code === "INTERNAL") {
        world.violations.push({
          invariant: "I4",
          what: `an answer without a type: ${String(error)}`,
        });
        return { outcome: "unknown", reply: undefined, code: "INTERNAL", isRetryable: false };
      }
      if (!this.isDead) world.count(`answer ${error.code}`);
      if (error.message.includes("the event loop is")) this.#isHardPressed(operation);
      if (error.message.includes("which take about")) world.count("refused: in vain");
      if (error.message.includes("the change was not stored")) world.count("rolled back");
      const { applied, code, retryable } = error;
      return { outcome: applied, reply: undefined, code, isRetryable: retryable };
    }
  }

  /** Calls from outside are refused, and never those with which an actor finishes what it has begun. */
  #isHardPressed({ actor, value }: Operation): void {
    const { world } = this.#around;
    world.count("refused: hard-pressed");
    if (value?.includes("/") !== true) return;
    const what = `${value} of ${actor} was refused because of the event loop, and came from an actor`;
    world.violations.push({ invariant: "I15", what });
  }

  async #callNow(operation: Operation, request: CallRequest): Promise<Answer> {
    const { world } = this.#around;
    const startedAt = world.clock.monotonic();
    // A call that goes on elsewhere waits nowhere here.
    const isCounted = operation.lastReplies === undefined;
    if (isCounted) this.#change(operation.actor, 1);
    const answer = await this.#answerTo(operation, this.#invoke(operation, request));
    if (isCounted) this.#change(operation.actor, -1);
    const { owner, deadlineMs } = { owner: this.label, ...request };
    const endedAt = this.isDead ? undefined : world.clock.monotonic();
    world.attempts.push({ operation, owner, startedAt, deadlineMs, endedAt, code: answer.code });
    return request.async === true && answer.outcome === "yes"
      ? { ...answer, outcome: "unknown" }
      : answer;
  }

  #invoke({ kind }: Operation, { name, ...request }: CallRequest): Promise<unknown> {
    const { engine } = this;
    if (kind !== "delete") return engine.invoke(name, request);
    const { definition, deadlineMs, signal } = request;
    const options = signal === undefined ? { deadlineMs } : { deadlineMs, signal };
    return engine.stored(engine.type(definition), name).delete(options);
  }

  #change(actor: string, by: number): void {
    this.#pending.set(actor, (this.#pending.get(actor) ?? 0) + by);
    if (by > 0) this.#called.add(actor);
  }

  #ownClock(): Clock {
    const { world } = this.#around;
    const { clock } = world;
    const timer = (delayMs: number, action: () => void): Timer => {
      let isCancelled = false;
      const timer = clock.timer(delayMs, () => {
        this.whenAwake(() => isCancelled || action());
      });
      return {
        cancel: () => {
          isCancelled = true;
          timer.cancel();
        },
      };
    };
    return {
      monotonic: () => clock.monotonic(),
      wall: () => world.wall(),
      timer,
      yield: (action) => void timer(0, action),
    };
  }
}
