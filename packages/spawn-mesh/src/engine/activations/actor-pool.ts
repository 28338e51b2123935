/**
 * A pooled actor: one stateless actor with several activations, so that as many of its actions are
 * under way at once.
 *
 * A call goes to an activation that is idle. If none is, a new one comes to life for it, as long as
 * there are fewer than `max`; then it goes to the one that has the least to do. It waits in the
 * mailbox of that one, which is where deadlines, limits and the end of the system are looked after,
 * but it is not bound to it: an activation that becomes idle takes over what waits elsewhere, so that
 * nothing waits behind a long action while somebody has nothing to do.
 */
import { actorIdOf } from "../actor-definition.ts";
import type { ActorDefinition, PoolSize } from "../actor-definition.ts";
import type { ActorId } from "../actor-id.ts";
import { Activation } from "./activation.ts";
import { ActorType } from "./actor-type.ts";
import type { EngineParts } from "./actor-type.ts";
import { SpawnError } from "../errors.ts";
import type { Invocation } from "../calls/invocation.ts";

/** The type of a pooled actor, with its live activations: at most `max`, all with the same id. */
export class ActorPool extends ActorType {
  readonly #id: ActorId;
  readonly #pooled = new Set<PooledActivation>();

  /** @throws {SpawnError} `INVALID_ARGUMENT` for a state: several would write the same row */
  constructor(definition: ActorDefinition, parts: EngineParts) {
    super(definition, parts);
    const { name } = definition;
    checkPool(definition);
    this.#id = actorIdOf(parts.system, definition, name);
  }

  protected override get isPool(): boolean {
    return true;
  }

  override become(definition: ActorDefinition): void {
    checkPool(definition);
    super.become(definition);
  }

  get #size(): PoolSize {
    return this.definition.pool!;
  }

  override activation(_name: string, invocation: Invocation): Activation {
    let leastBusy: PooledActivation | undefined;
    let queueLength = 0;
    let queueUnits = 0;
    for (const pooled of this.#pooled) {
      if (pooled.isIdle) return pooled;
      if (leastBusy === undefined || pooled.load < leastBusy.load) leastBusy = pooled;
      queueLength += pooled.waiting.queueLength;
      queueUnits += pooled.waiting.queueUnits;
    }
    // The limits of a mailbox hold for all of them together: they are one actor.
    this.parts.admission.checkRoom({ id: this.#id, queueLength, queueUnits }, invocation);
    return leastBusy === undefined || this.#pooled.size < this.#size.max ? this.#add() : leastBusy;
  }

  override get live(): Iterable<Activation> {
    return this.#pooled;
  }

  override get liveCount(): number {
    return this.#pooled.size;
  }

  override get hasSpare(): boolean {
    return this.#pooled.size > this.#size.min;
  }

  override remove(activation: Activation): void {
    this.#pooled.delete(activation as PooledActivation);
  }

  /** The caller of `invocation` gave up, whoever has it by now. */
  callerGaveUp(invocation: Invocation): void {
    for (const pooled of this.#pooled) pooled.drop(invocation);
  }

  /** Gives an activation that is idle what is first in the longest mailbox behind an action. */
  employ(idle: PooledActivation): void {
    let busiest: PooledActivation | undefined;
    let length = 0;
    for (const pooled of this.#pooled) {
      // What waits for its turn only stays; two idle ones would take it from one another for ever.
      if (!pooled.isRunning || pooled.waiting.queueLength <= length) continue;
      busiest = pooled;
      length = pooled.waiting.queueLength;
    }
    const invocation = busiest?.giveAway();
    if (invocation !== undefined) idle.comesAgain(invocation);
  }

  #add(): PooledActivation {
    this.checkPresent();
    const pooled = new PooledActivation(this.#id.name, this);
    this.#pooled.add(pooled);
    this.watchIdle();
    return pooled;
  }
}

function checkPool({ name, pool, state }: ActorDefinition): void {
  if (pool !== undefined && state === undefined) return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${name} is pooled: expected the size of the pool, and no state`,
  );
}

/** One of the activations of a pooled actor. */
class PooledActivation extends Activation {
  readonly #pool: ActorPool;

  constructor(name: string, pool: ActorPool) {
    super(name, pool);
    this.#pool = pool;
  }

  /** How many invocations it has to deal with. */
  get load(): number {
    return this.waiting.queueLength + (this.isRunning ? 1 : 0);
  }

  override turn(actionsMax: number): number {
    const ran = super.turn(actionsMax);
    if (this.isIdle) this.#pool.employ(this);
    return ran;
  }

  override callerGaveUp(invocation: Invocation): void {
    this.#pool.callerGaveUp(invocation);
  }

  /** Does not run `invocation`, or lets it stop, if it is here. */
  drop(invocation: Invocation): void {
    super.callerGaveUp(invocation);
  }

  override leaveIfIdle(now: number): void {
    if (this.#pool.hasSpare) super.leaveIfIdle(now);
  }
}
