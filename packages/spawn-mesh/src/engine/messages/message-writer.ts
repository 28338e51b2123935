/** Stores messages that no commit sends, many together as commits are. */
import { SpawnError, isSpawnError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { Message } from "../message-store.ts";
import { GroupQueue } from "../time/group-queue.ts";
import { unitsOf } from "./message-payload.ts";
import { storeMessages } from "./repeated-write.ts";
import type { RepeatedWriteParts } from "./repeated-write.ts";
import type { Statestore } from "../statestore.ts";

/** Messages that are stored together or not at all, and who waits for that. */
interface Waiting {
  readonly messages: readonly Message[];
  /** About how much memory they take, in UTF-16 units. */
  readonly units: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class MessageWriter {
  readonly #parts: RepeatedWriteParts & { readonly store: Statestore };
  readonly #waiting: GroupQueue<Waiting>;
  /** About how much memory all that wait take, in UTF-16 units. */
  #waitingUnits = 0;

  constructor(parts: RepeatedWriteParts & { readonly store: Statestore }) {
    this.#parts = parts;
    this.#waiting = new GroupQueue({
      inFlightMax: parts.limits.commitsInFlightMax,
      lengthOfNext: (waiting) => lengthOfGroup(waiting, parts.limits),
      send: async (group) => {
        for (const { units } of group) this.#waitingUnits -= units;
        await this.#storeTogether(group);
      },
    });
  }

  /** Resolves when they are stored. @throws {SpawnError} `OVERLOADED`, and as {@link storeMessages} */
  async store(messages: readonly Message[]): Promise<void> {
    let units = 0;
    for (const message of messages) units += unitsOf(message);
    this.#checkRoom(units);
    this.#waitingUnits += units;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ messages, units, resolve, reject });
    });
  }

  /** @throws {SpawnError} `OVERLOADED` */
  #checkRoom(units: number): void {
    const { queuedMax, unstoredUnitsMax } = this.#parts.limits;
    if (this.#waiting.length >= queuedMax) {
      throw new SpawnError("OVERLOADED", `${queuedMax} messages or more wait to be stored`);
    }
    // One may wait, however large: it would be too large for ever.
    if (this.#waiting.length > 0 && this.#waitingUnits + units > unstoredUnitsMax) {
      throw new SpawnError(
        "OVERLOADED",
        `messages that take more than ${unstoredUnitsMax} UTF-16 units would wait to be stored (unstoredUnitsMax)`,
      );
    }
  }

  /** Gives up all that still waits. */
  stop(reason: string): void {
    const error = new SpawnError("SHUTTING_DOWN", reason);
    for (const { reject } of this.#waiting.clear()) reject(error);
    this.#waitingUnits = 0;
  }

  async #storeTogether(group: readonly Waiting[]): Promise<void> {
    try {
      await storeMessages(
        this.#parts,
        group.flatMap(({ messages }) => messages),
      );
      for (const { resolve } of group) resolve();
    } catch (error) {
      const isOfOne = isSpawnError(error) && error.code === "PAYLOAD_TOO_LARGE";
      // One that is too large must not take the others with it.
      if (isOfOne && group.length > 1) {
        for (const one of group) await this.#storeTogether([one]);
      } else {
        for (const { reject } of group) reject(error);
      }
    }
  }
}

function lengthOfGroup(
  waiting: readonly Waiting[],
  { commitRowsMax, commitUnitsMax }: Limits,
): number {
  let [rows, sum] = [0, 0];
  const end = waiting.findIndex(({ messages, units }, at) => {
    rows += messages.length;
    sum += units;
    return at > 0 && (rows > commitRowsMax || sum > commitUnitsMax);
  });
  return end === -1 ? waiting.length : end;
}
