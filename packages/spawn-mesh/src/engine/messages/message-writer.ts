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
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class MessageWriter {
  readonly #parts: RepeatedWriteParts & { readonly store: Statestore };
  readonly #waiting: GroupQueue<Waiting>;

  constructor(parts: RepeatedWriteParts & { readonly store: Statestore }) {
    this.#parts = parts;
    this.#waiting = new GroupQueue({
      inFlightMax: parts.limits.commitsInFlightMax,
      lengthOfNext: (waiting) => lengthOfGroup(waiting, parts.limits),
      send: (group) => this.#storeTogether(group),
    });
  }

  /** Resolves when they are stored. @throws {SpawnError} `OVERLOADED`, and as {@link storeMessages} */
  async store(messages: readonly Message[]): Promise<void> {
    const { queuedMax } = this.#parts.limits;
    if (this.#waiting.length >= queuedMax) {
      throw new SpawnError("OVERLOADED", `${queuedMax} messages or more wait to be stored`);
    }
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ messages, resolve, reject });
    });
  }

  /** Gives up all that still waits. */
  stop(reason: string): void {
    const error = new SpawnError("SHUTTING_DOWN", reason);
    for (const { reject } of this.#waiting.clear()) reject(error);
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
  let [rows, units] = [0, 0];
  const end = waiting.findIndex(({ messages }, at) => {
    rows += messages.length;
    for (const message of messages) units += unitsOf(message);
    return at > 0 && (rows > commitRowsMax || units > commitUnitsMax);
  });
  return end === -1 ? waiting.length : end;
}
