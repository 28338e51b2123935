/**
 * How an actor begins: from its stored row or from nothing, with the timers that it does not have yet,
 * and then with `init`.
 */
import type { ActionFunction, ActorDefinition, StateDefinition } from "../actor-definition.ts";
import type { ActorId } from "../actor-id.ts";
import type { EngineParts } from "./actor-type.ts";
import type { SpawnError } from "../errors.ts";
import { Invocation } from "../calls/invocation.ts";
import type { Caller } from "../calls/invocation.ts";
import type { LoadWaiter } from "./loader.ts";
import type { StoredMessage } from "../message-store.ts";
import { initError } from "./run-outcome.ts";
import { isSealed } from "../sealed-rows.ts";
import type { Outgoing } from "../messages/sending.ts";
import type { StateBytes, StoreAnswer, StoredActor, Tags } from "../statestore.ts";
import { decodeStored } from "./stored-state.ts";
import { missingTimers, timerIds } from "../messages/timers.ts";

/** For how long `init` may run, in milliseconds. */
const INIT_MS_MAX = 60_000;

/** The activation, as its opening sees it. */
export interface OpeningOwner {
  readonly id: ActorId;
  readonly definition: ActorDefinition;
  /** Whether it still wants to come to life. */
  readonly isOpening: boolean;
  /** Takes the decoded state. */
  becomeState(state: unknown): void;
  /** Takes the stored row, and the state and tags that were made of it; no state if that cannot be read. */
  beginAt(
    row: StoredActor | undefined,
    bytes: StateBytes | undefined,
    tags: Tags | undefined,
  ): void;
  /** Runs the definition's `init`. */
  runInit(init: Invocation): void;
  /** It is alive. These timers have to be stored with the first commit. */
  opened(timers: readonly Outgoing[]): void;
  /** It cannot be known what is stored, or nothing is, and it cannot come to life. */
  openingFailed(error: SpawnError): void;
  /** It cannot come to life with the row that it began at. */
  openedBroken(error: SpawnError): void;
}

export class Opening implements LoadWaiter {
  readonly #owner: OpeningOwner;
  readonly #parts: EngineParts;
  #timers: readonly Outgoing[] = NO_TIMERS;
  /** Whether there is something stored that could be replaced. */
  #isStored = false;

  constructor(owner: OpeningOwner, parts: EngineParts) {
    this.#owner = owner;
    this.#parts = parts;
  }

  begin(): void {
    const { id, definition } = this.#owner;
    if (definition.state === undefined) return this.#beginWithoutState();
    const query = { actor: id, row: true, keys: NO_KEYS, messages: timerIds(id, definition) };
    this.#parts.loader.load(query, this);
  }

  /** Nothing to load; but what is called must not run the actor's code before it returns. */
  #beginWithoutState(): void {
    const { id, definition } = this.#owner;
    queueMicrotask(() => this.#initialize());
    if (definition.timers.length === 0) return;
    // There is no commit that they could go with.
    this.#parts.stateless.startTimers(id, this.#missingTimers([]));
  }

  loaded({ row, messages }: StoreAnswer): void {
    const { id, definition, isOpening } = this.#owner;
    if (!isOpening) return;
    this.#isStored = row !== undefined && !row.isDeleted;
    try {
      const { state, bytes, tags } = firstState(definition.state!, row);
      this.#owner.becomeState(state);
      this.#owner.beginAt(row, bytes, tags);
      if (row !== undefined && row.unsent > 0) this.#parts.outbox.foundUnsent(id);
      if (definition.timers.length > messages.length) this.#timers = this.#missingTimers(messages);
    } catch (error) {
      // Of the row only the state is in doubt: what replaces it is as conditional as any other commit.
      if (this.#isStored) this.#owner.beginAt(row, undefined, row!.tags);
      return this.#fail(initError(id, error));
    }
    this.#initialize();
  }

  loadFailed(error: SpawnError): void {
    if (this.#owner.isOpening) this.#owner.openingFailed(error);
  }

  #fail(error: SpawnError): void {
    if (this.#isStored) this.#owner.openedBroken(error);
    else this.#owner.openingFailed(error);
  }

  #missingTimers(stored: readonly StoredMessage[]): readonly Outgoing[] {
    const { id, definition } = this.#owner;
    const known = new Set(stored.map((message) => message.id));
    return missingTimers(id, definition, { known, parts: this.#parts });
  }

  #initialize(): void {
    const owner = this.#owner;
    if (!owner.isOpening) return;
    const { init } = owner.definition;
    if (init === undefined) return owner.opened(this.#timers);
    const deadlineAt = this.#parts.clock.monotonic() + INIT_MS_MAX;
    owner.runInit(
      initInvocation(init, deadlineAt, {
        resolve: () => owner.opened(this.#timers),
        reject: (error) => this.#fail(error),
      }),
    );
  }
}

const NO_TIMERS: readonly Outgoing[] = [];
const NO_KEYS: readonly string[] = [];

interface FirstState {
  readonly state: unknown;
  readonly bytes: StateBytes;
  readonly tags: Tags | undefined;
}

/**
 * The state of an actor that comes to life, decoded and as bytes. A migrated state is as good as
 * stored: it is derived from the row again after each load, until a commit stores it.
 *
 * @throws {SpawnError} `STATE_CORRUPT`, `INVALID_ARGUMENT`, and what the definition's functions throw
 */
function firstState(definition: StateDefinition, row: StoredActor | undefined): FirstState {
  if (row === undefined || row.isDeleted) {
    return byValue(definition, definition.initial(), definition.initialTags);
  }
  const state = decodeStored(definition, row);
  const { tags } = row;
  return row.stateVersion === definition.version && !isSealed(row.state)
    ? { state, bytes: row.state!, tags }
    : byValue(definition, state, tags);
}

/** A factory or migration may give the same object to all, and no actor may change it. */
function byValue({ codec }: StateDefinition, state: unknown, tags: Tags | undefined): FirstState {
  const bytes = codec.encode(state);
  return { state: codec.decode(bytes), bytes, tags };
}

/** `init` as an invocation that the actor makes to itself. */
function initInvocation(init: ActionFunction, deadlineAt: number, caller: Caller): Invocation {
  const action = { name: "init", isRead: false, parse: undefined, run: init };
  return new Invocation(
    { action, payload: undefined, units: 0, deadlineAt, details: undefined },
    caller,
  );
}
