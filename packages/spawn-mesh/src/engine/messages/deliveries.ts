/**
 * The messages that are under way from here, lane by lane, and how many there may be.
 *
 * Whoever is slow, fails or hangs takes a part of the room, and never all of it: one target
 * (`target-loads.ts`), one lane, what has just been sent as against what is found in the statestore.
 */
import { actorKey } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import { ClaimRoom } from "./claim-room.ts";
import type { ClaimedSlot } from "./claim-room.ts";
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import type { Message, StoredMessage } from "../message-store.ts";
import type { Outgoing } from "./sending.ts";
import { TargetLoads } from "./target-loads.ts";

/** A message that is being delivered, or waits for the one before it. */
export interface Delivery {
  readonly message: StoredMessage;
  /** There if it was claimed, so that this attempt is counted already. */
  readonly claimed: ClaimedSlot | undefined;
  readonly target: string;
  readonly lane: string | undefined;
  /** Whether it is its turn. */
  isTried: boolean;
  /** How often its target had no room for it. */
  refusals: number;
  /** Another message of its id, which was stored in its place and claimed before this one was known to be over. */
  follower: StoredMessage | undefined;
}

export class Deliveries {
  readonly #limits: Limits;
  readonly #underWay = new Map<string, Delivery>();
  readonly #lanes = new Map<string, Delivery[]>();
  readonly #loads: TargetLoads;
  readonly #claimRoom: ClaimRoom;
  /** How many have room kept for them, until their commit is done. */
  #reserved = 0;

  constructor({ clock, limits }: { readonly clock: Clock; readonly limits: Limits }) {
    this.#limits = limits;
    this.#loads = new TargetLoads(clock, limits);
    this.#claimRoom = new ClaimRoom(clock, limits);
  }

  /** The delivery of the message with that id. */
  find(id: string): Delivery | undefined {
    return this.#underWay.get(id);
  }

  get count(): number {
    return this.#underWay.size;
  }

  get all(): Iterable<Delivery> {
    return this.#underWay.values();
  }

  has(id: string): boolean {
    return this.#underWay.has(id);
  }

  clear(): void {
    this.#underWay.clear();
    this.#lanes.clear();
    this.#claimRoom.empty();
    this.#loads.empty();
  }

  // Room.

  /** How many more may be claimed. */
  get claimRoom(): number {
    const room = this.#limits.deliveriesMax - this.#underWay.size - this.#reserved;
    return Math.max(0, Math.min(room, this.#claimRoom.free));
  }

  /** Whether there is room for messages that are about to be sent; then it is kept until {@link release}. */
  reserve(source: ActorId | undefined, sends: readonly Outgoing[]): boolean {
    const room = this.#limits.deliveriesMax / 2 - this.#underWay.size - this.#reserved;
    const count = countAtOnce(sends);
    if (count > room || !this.#isLittle(source, sends)) return false;
    this.#reserved += count;
    return true;
  }

  release(sends: readonly Outgoing[]): void {
    this.#reserved -= countAtOnce(sends);
  }

  /** Whether it is not too much for any target or lane. */
  #isLittle(source: ActorId | undefined, sends: readonly Outgoing[]): boolean {
    // Most commits send one message, which needs no counting.
    const counts = sends.length > 1 ? new Map<string, number>() : undefined;
    for (const outgoing of sends) {
      if (!isAtOnce(outgoing)) continue;
      const { target, isOrdered } = outgoing;
      const key = actorKey(target);
      const count = (counts?.get(key) ?? 0) + 1;
      counts?.set(key, count);
      const isInLane = isOrdered && source !== undefined;
      const waiting = isInLane ? (this.#lanes.get(actorKey(source) + key)?.length ?? 0) : 0;
      if (isInLane && waiting + count > this.#limits.laneLengthMax) return false;
      if (this.#loads.isTooMuch(key, isInLane ? 1 : count)) return false;
    }
    return true;
  }

  /**
   * When a message that was claimed has to come again, because its target has enough (wall); `undefined` if
   * it can be taken.
   *
   * @param refused the lanes of which one was refused in this claim: those behind it follow
   */
  refuses(message: Message, refused: Set<string>): number | undefined {
    const target = actorKey(message.target);
    const lane = laneOf(message, target);
    const isBehind = lane !== undefined && refused.has(lane);
    const waits = lane !== undefined && this.#lanes.has(lane);
    if (!isBehind && (waits || !this.#loads.isTooMuch(target, 1))) return undefined;
    if (lane !== undefined) refused.add(lane);
    return this.#loads.comeBackAt(target);
  }

  // They come and go.

  /** Takes note of a message that is under way from now on; answers it if it waits for no other. */
  enter(message: Message | StoredMessage, isClaimed: boolean): Delivery | undefined {
    const stored = "attempts" in message ? message : untried(message);
    const target = actorKey(stored.target);
    const lane = laneOf(stored, target);
    const delivery: Delivery = {
      message: stored,
      claimed: isClaimed ? this.#claimRoom.take() : undefined,
      target,
      lane,
      isTried: false,
      refusals: 0,
      follower: undefined,
    };
    this.#underWay.set(message.id, delivery);
    const waiting = lane === undefined ? undefined : this.#lanes.get(lane);
    if (waiting !== undefined) {
      waiting.push(delivery);
      return undefined;
    }
    if (lane !== undefined) this.#lanes.set(lane, [delivery]);
    return this.#begin(delivery);
  }

  /** Forgets a message; answers whether it was under way. */
  forget({ message, claimed, target, isTried }: Delivery): boolean {
    if (!this.#underWay.delete(message.id)) return false;
    if (claimed !== undefined) this.#claimRoom.leave(claimed);
    if (isTried) this.#loads.end(target);
    return true;
  }

  /** The one that waited for a message that is under way no longer. */
  nextAfter({ lane }: Delivery): Delivery | undefined {
    if (lane === undefined) return undefined;
    const waiting = this.#lanes.get(lane);
    waiting?.shift();
    const next = waiting?.[0];
    if (next !== undefined) return this.#begin(next);
    this.#lanes.delete(lane);
    return undefined;
  }

  /** Takes out all that wait for a message. */
  takeBehind({ lane }: Delivery): readonly Delivery[] {
    return lane === undefined ? [] : (this.#lanes.get(lane)?.splice(1) ?? []);
  }

  /** Takes out all that wait for others. */
  takeWaiting(): readonly Delivery[] {
    return [...this.#lanes.values()].flatMap((waiting) => waiting.splice(1));
  }

  #begin(delivery: Delivery): Delivery {
    delivery.isTried = true;
    this.#loads.begin(delivery.target);
    return delivery;
  }
}

/** A message as it is stored when it is sent. */
export function untried(message: Message): StoredMessage {
  return { ...message, attempts: 0, error: undefined };
}

/** Whether it is delivered as soon as it is stored. */
export function isAtOnce({ dueAt }: Outgoing): boolean {
  return dueAt === undefined;
}

function countAtOnce(sends: readonly Outgoing[]): number {
  let count = 0;
  for (const outgoing of sends) if (isAtOnce(outgoing)) count++;
  return count;
}

/** The lane of a message to that target; `undefined` if it waits for no other. */
function laneOf({ isOrdered, source }: Message, target: string): string | undefined {
  return isOrdered && source !== undefined ? actorKey(source) + target : undefined;
}
