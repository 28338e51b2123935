/** The runs of one activation of an actor without a state whose messages are being stored: only so many at once. */
import type { ActorId } from "../actor-id.ts";
import { unitsToSend } from "../commits/commit-batch.ts";
import type { DurableChange } from "../commits/commit-batch.ts";
import type { Limits } from "../limits.ts";
import type { StatelessSending } from "../messages/stateless-sending.ts";

export class StatelessRuns {
  readonly #id: ActorId;
  readonly #parts: { readonly stateless: StatelessSending; readonly limits: Limits };
  #length = 0;
  /** About how much memory they take, in UTF-16 units. */
  #units = 0;

  constructor(
    id: ActorId,
    parts: { readonly stateless: StatelessSending; readonly limits: Limits },
  ) {
    this.#id = id;
    this.#parts = parts;
  }

  /** Whether another action may run before these are stored. */
  get hasRoom(): boolean {
    const { speculationMax, speculationUnitsMax } = this.#parts.limits;
    return this.#length < speculationMax && this.#units < speculationUnitsMax;
  }

  /** Stores what a run sent and consumed, and answers its caller. */
  finish(sent: DurableChange, onRoom: () => void): void {
    const units = sent.units + unitsToSend(sent.change);
    this.#length++;
    this.#units += units;
    this.#parts.stateless.finish(this.#id, sent, () => {
      this.#length--;
      this.#units -= units;
      onRoom();
    });
  }
}
