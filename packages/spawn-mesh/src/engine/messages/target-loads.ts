/**
 * How many messages are under way to each target, so that none takes the room of all others.
 *
 * What is claimed for a target that has enough goes back to the statestore, to come again at about the time
 * at which the target will have room: as many a second as it has finished in the last one.
 */
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";

interface Load {
  underWay: number;
  /** How many ended in the present second, */
  ended: number;
  /** and in the one before. */
  endedBefore: number;
  /** When the last one that was sent back comes again (wall). */
  comesBackAt: number;
}

const SECOND_MS = 1_000;
/** How soon what was sent back comes again, at least and at most, in milliseconds. */
const BACK_MS_MIN = 100;
const BACK_MS_MAX = 30_000;

export class TargetLoads {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #loads = new Map<string, Load>();
  /** When the present second began (monotonic). */
  #secondAt = -Infinity;

  constructor(clock: Clock, { deliveriesPerTargetMax }: Limits) {
    this.#clock = clock;
    this.#max = deliveriesPerTargetMax;
  }

  begin(target: string): void {
    this.#load(target).underWay++;
  }

  end(target: string): void {
    this.#passTime();
    const load = this.#load(target);
    load.underWay--;
    load.ended++;
  }

  /** Whether `more` messages are more than the target may have under way. */
  isTooMuch(target: string, more: number): boolean {
    return (this.#loads.get(target)?.underWay ?? 0) + more > this.#max;
  }

  /** When a message to a target that has enough comes again (wall). */
  comeBackAt(target: string): number {
    this.#passTime();
    const load = this.#load(target);
    const wall = this.#clock.wall();
    const aSecond = Math.max(1, load.ended, load.endedBefore);
    const inTurn = load.comesBackAt + SECOND_MS / aSecond;
    load.comesBackAt = Math.min(wall + BACK_MS_MAX, Math.max(wall + BACK_MS_MIN, inTurn));
    return Math.ceil(load.comesBackAt);
  }

  empty(): void {
    this.#loads.clear();
  }

  #load(target: string): Load {
    let load = this.#loads.get(target);
    if (load === undefined) {
      load = { underWay: 0, ended: 0, endedBefore: 0, comesBackAt: 0 };
      this.#loads.set(target, load);
    }
    return load;
  }

  /** Begins a new second if it is time, and forgets targets to which nothing is under way. */
  #passTime(): void {
    const now = this.#clock.monotonic();
    const passed = now - this.#secondAt;
    if (passed < SECOND_MS) return;
    this.#secondAt = now;
    for (const [target, load] of this.#loads) {
      load.endedBefore = passed < 2 * SECOND_MS ? load.ended : 0;
      load.ended = 0;
      if (load.underWay === 0 && load.endedBefore === 0) this.#loads.delete(target);
    }
  }
}
