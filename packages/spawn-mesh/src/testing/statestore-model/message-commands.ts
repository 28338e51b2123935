/**
 * Random commands on messages. Ids, sources and targets are few, so that what is sent meets what is
 * stored, parked or gone, and lanes have several messages.
 */
import type { ActorId } from "../../engine/actor-id.ts";
import type {
  Message,
  MessageClaim,
  MessagePage,
  MessageRef,
  MessageStore,
  Postponement,
  StoredMessage,
} from "../../engine/message-store.ts";
import type { Choices } from "./choices.ts";
import type { Sides } from "./sides.ts";

const IDS: readonly string[] = Array.from({ length: 30 }, (_, index) => `m-${index}`);
const TIMES = 50;
const RETRY = { firstMs: 5, maxMs: 60 };

/** The steps of large payloads: what encryption adds to some messages is not half of one. */
const SIZE = 2000;

export class MessageCommands {
  readonly #choices: Choices;
  readonly #sides: Sides;
  readonly #actors: readonly ActorId[];
  readonly #commands: readonly (() => Promise<unknown>)[];
  /** What waited when it was looked at last. */
  #waiting: readonly StoredMessage[] = [];
  #time = 1000;

  constructor(choices: Choices, sides: Sides, actors: readonly ActorId[]) {
    this.#choices = choices;
    this.#sides = sides;
    this.#actors = actors;
    this.#commands = [
      () => this.#both("send", this.sends(undefined)),
      () => this.#claim(),
      () => this.#claim(),
      () =>
        this.#both(
          "postpone",
          this.#refs().map((ref) => this.#postponement(ref)),
        ),
      () => this.#both("replace", this.#choices.pick(this.#refs()), this.sends(undefined)),
      () => this.#bothIds("remove", this.#ids()),
      () => this.#park(),
      () => this.#bothIds("retryParked", this.#someIds(), this.#dueAt()),
      () => this.#bothIds("discardParked", this.#someIds()),
      () => this.#both("list", this.#page()),
      () => this.#both("listParked", this.#page()),
    ];
  }

  /** Runs one command, and compares what is stored then. */
  async step(): Promise<void> {
    this.#time += this.#choices.whole(TIMES / 4);
    await this.#choices.pick(this.#commands)();
    await this.compare();
  }

  async compare(): Promise<void> {
    const ids = this.#someIds();
    const [actor] = this.#actors;
    const stored = await this.#sides.same("what is stored of messages", (side) =>
      side.describeMessages(actor!, ids),
    );
    this.#waiting = stored.waiting;
  }

  /** Messages to send; of an actor's commit all of them are its own. */
  sends(source: ActorId | undefined): readonly Message[] {
    return this.#choices.pickSome(IDS).map((id) => {
      const from = source ?? this.#choices.pick([undefined, ...this.#actors]);
      return this.#message(id, from);
    });
  }

  /** What a commit cancels: often what is not stored. */
  cancels(): readonly string[] {
    return this.#someIds();
  }

  /** What a commit consumes: nearly always what is stored. */
  consumes(): readonly MessageRef[] {
    return this.#choices.chance(0.1) ? this.#lateRefs() : this.#refs().slice(0, 1);
  }

  #message(id: string, source: ActorId | undefined): Message {
    const choices = this.#choices;
    const isTimer = choices.chance(0.1);
    return {
      id,
      source,
      target: choices.pick(this.#actors.slice(0, 3)),
      action: choices.pick(["act", "Act"]),
      payload: choices.pick([null, '"ü😀"', `"${"x".repeat(SIZE * choices.whole(4))}"`]),
      headers: { kind: "call", ...(choices.chance(0.2) ? { metadata: { key: "ü" } } : undefined) },
      isOrdered: !isTimer && choices.chance(0.8),
      isTimer,
      sentAt: this.#time,
      dueAt: this.#dueAt(),
    };
  }

  async #claim(): Promise<void> {
    const choices = this.#choices;
    const claim: MessageClaim = {
      wall: this.#time,
      isDoubtful: choices.chance(0.3),
      limit: 1 + choices.whole(6),
      laneMax: 1 + choices.whole(4),
      unitsMax: choices.pick([SIZE * 0.5, SIZE * 2.5, SIZE * 1000]),
      retry: RETRY,
    };
    await this.#both("claim", claim);
  }

  async #park(): Promise<void> {
    const parked = this.#refs().map((ref) => ({
      ...ref,
      error: `why ${this.#choices.whole(9)} ü`,
    }));
    await this.#both("park", parked, this.#dueAt());
  }

  #postponement(ref: MessageRef): Postponement {
    const attempts = this.#choices.whole(4);
    const error = this.#choices.pick([undefined, "why", "😀"]);
    const isUnderWay = this.#choices.chance(0.3);
    return { ...ref, dueAt: this.#dueAt(), attempts, error, isUnderWay };
  }

  #page(): MessagePage {
    const choices = this.#choices;
    return {
      source: choices.pick([undefined, ...this.#actors]),
      target: choices.pick([undefined, ...this.#actors]),
      after: choices.pick([undefined, { at: this.#dueAt(), id: choices.pick(IDS) }]),
      limit: 1 + choices.whole(5),
    };
  }

  #dueAt(): number {
    return this.#time + this.#choices.whole(TIMES) - TIMES / 2;
  }

  /** Messages that wait, if any do; now and then such as are gone by now. */
  #refs(): readonly MessageRef[] {
    if (this.#waiting.length === 0 || this.#choices.chance(0.1)) return this.#lateRefs();
    return this.#choices.pickSome(this.#waiting).map(({ id, sentAt }) => ({ id, sentAt }));
  }

  /** Messages of before, some of whose ids others have by now. */
  #lateRefs(): readonly MessageRef[] {
    return this.#someIds().map((id) => ({ id, sentAt: this.#time - this.#choices.whole(TIMES) }));
  }

  /** Ids of messages that wait, if any do. */
  #ids(): readonly string[] {
    if (this.#waiting.length === 0) return this.#someIds();
    return this.#choices.pickSome(this.#waiting).map(({ id }) => id);
  }

  #someIds(): readonly string[] {
    return this.#choices.pickSome(IDS);
  }

  async #both<Name extends keyof MessageStore>(
    name: Name,
    ...inputs: Parameters<MessageStore[Name]>
  ): Promise<void> {
    this.#sides.note(name, inputs);
    await this.#sides.same(`the answer of ${name}`, ({ store }) =>
      Reflect.apply(store.messages[name], store.messages, inputs),
    );
  }

  /** For a call that answers ids, in no order. */
  async #bothIds<Name extends "remove" | "retryParked" | "discardParked">(
    name: Name,
    ...inputs: Parameters<MessageStore[Name]>
  ): Promise<void> {
    this.#sides.note(name, inputs);
    await this.#sides.same(`the answer of ${name}`, async ({ store }) => {
      const ids = await Reflect.apply(store.messages[name], store.messages, inputs);
      return (ids as readonly string[]).toSorted();
    });
  }
}
