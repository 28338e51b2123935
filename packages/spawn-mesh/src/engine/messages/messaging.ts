/**
 * Everything about messages, put together: who stores them, who finds them again, and how each kind
 * comes to its target.
 */
import { actionOf } from "../activations/actor-types.ts";
import type { ActorType } from "../activations/actor-type.ts";
import type { ActorTypes } from "../activations/actor-types.ts";
import type { ActorId } from "../actor-id.ts";
import { Broadcasts } from "./broadcasts.ts";
import type { ChannelListener } from "./broadcasts.ts";
import { NO_CHAIN } from "../calls/call-chain.ts";
import { DEADLINE_MS_DEFAULT } from "../calls/call-options.ts";
import { SpawnError } from "../errors.ts";
import { ExternalFunctions } from "./external-functions.ts";
import type { ExternalFunction } from "./external-functions.ts";
import type { Host } from "../host.ts";
import { Invocation } from "../calls/invocation.ts";
import type { Caller, InvocationDetails } from "../calls/invocation.ts";
import { MessageOperations } from "./message-operations.ts";
import { MessageWriter } from "./message-writer.ts";
import { sentId } from "../message-store.ts";
import type { StoredMessage } from "../message-store.ts";
import { payloadOf, unitsOf } from "./message-payload.ts";
import { Outbox } from "./outbox.ts";
import type { OutboxParts } from "./outbox.ts";
import { CHANNEL, composeBroadcast, composeCall, DELIVERY_GRACE_MS } from "./sending.ts";
import { storedAs } from "./sending.ts";
import type { Outgoing } from "./sending.ts";
import type { SendRequest } from "./send-options.ts";
import { StatelessSending } from "./stateless-sending.ts";
import { Sweeper } from "./sweeper.ts";
import type { Time } from "../time/time.ts";
import { timerIds } from "./timers.ts";

export interface MessagingParts extends Omit<OutboxParts, "deliver"> {
  readonly time: Time;
  readonly externals: ReadonlyMap<string, ExternalFunction>;
  readonly host: Host;
  /** The actors here. */
  readonly types: () => ActorTypes;
  /** Whether actors that are not there may come. */
  readonly awaitsDefinitions: boolean;
  /** Where messages to another actor system go, if it runs here. */
  readonly messagingOf: (system: string) => Messaging | undefined;
}

export class Messaging {
  readonly outbox: Outbox;
  readonly stateless: StatelessSending;
  /** What waits to be delivered, and what was given up. */
  readonly operations: MessageOperations;
  readonly #parts: MessagingParts;
  readonly #sweeper: Sweeper;
  readonly #broadcasts: Broadcasts;
  readonly #externals: ExternalFunctions;
  readonly #writer: MessageWriter;

  constructor(parts: MessagingParts) {
    const { clock } = parts;
    this.#parts = parts;
    this.outbox = new Outbox({
      ...parts,
      deliver: (message, caller, isStored) => this.#deliver(message, caller, isStored),
    });
    const onStored = (dueAt: number): void => this.outbox.onStored(dueAt);
    this.#sweeper = new Sweeper({ ...parts, outbox: this.outbox });
    this.#broadcasts = new Broadcasts({
      ...parts,
      definitions: () => [...parts.types().all].map(({ definition }) => definition),
      onStored,
    });
    this.#externals = new ExternalFunctions({
      clock,
      functions: parts.externals,
      host: parts.host,
      timeoutMs: parts.limits.externalTimeoutMs,
    });
    this.operations = new MessageOperations({ ...parts, onStored });
    this.#writer = new MessageWriter(parts);
    this.stateless = new StatelessSending({ ...parts, outbox: this.outbox, writer: this.#writer });
  }

  start(): void {
    this.outbox.start();
    this.#sweeper.start();
  }

  /** The system ends: only what somebody waits for is still delivered. */
  drain(): void {
    this.#sweeper.stop();
    this.outbox.drain();
  }

  /** Delivers nothing more. */
  stop(): void {
    this.#sweeper.stop();
    this.outbox.stop();
    const stopped = `the system ${this.#parts.system} stopped`;
    this.#writer.stop(stopped);
    this.stateless.forsake(stopped);
  }

  /** Sends a message from outside of actors; answers its id when it is stored. */
  async send(name: string, request: SendRequest): Promise<string> {
    return await this.#store(composeCall(this.#parts, { name, request }, undefined));
  }

  /** Sends a payload to all subscribers of a channel; answers the id of the broadcast when it is stored. */
  async publish(channel: string, payload: unknown): Promise<string> {
    return await this.#store(composeBroadcast(this.#parts, channel, { payload }));
  }

  /** Listens to a channel until the function that it returns is called. @throws {SpawnError} `INVALID_ARGUMENT` */
  subscribe(channel: string, listener: ChannelListener): () => void {
    return this.#broadcasts.listen(channel, listener);
  }

  async #store(outgoing: Outgoing): Promise<string> {
    const { outbox } = this;
    const isDirect = outbox.reserve(undefined, [outgoing]);
    const at = this.#parts.clock.wall();
    const graceMs = isDirect ? DELIVERY_GRACE_MS : 0;
    const message = storedAs(outgoing, { source: undefined, at, graceMs });
    try {
      await this.#writer.store([message]);
    } finally {
      if (isDirect) outbox.release([outgoing]);
    }
    outbox.committed([message], isDirect ? [outgoing] : undefined);
    return message.id;
  }

  #deliver(message: StoredMessage, caller: Caller, isStored: boolean): void {
    const { target, headers } = message;
    if (headers.kind === "broadcast") return this.#broadcasts.deliver(message, caller);
    if (headers.kind === "external") return this.#toFunction(message, caller);
    if (target.system === this.#parts.system) return this.#toActor(message, caller, isStored);
    const elsewhere = this.#parts.messagingOf(target.system);
    if (elsewhere === undefined) {
      // It may start after this one, or in another process.
      const what = `there is no actor system ${JSON.stringify(target.system)} here`;
      throw this.#absent(message, "NODE_UNAVAILABLE", what);
    }
    // It is consumed here when it was applied there: until then it may come there again.
    elsewhere.#fromElsewhere(message, caller);
  }

  #toFunction(message: StoredMessage, caller: Caller): void {
    const { name } = message.target;
    if (this.#externals.has(name)) return this.#externals.deliver(message, caller);
    // Another process may have it, or this one after its next start.
    const what = `no function ${JSON.stringify(name)} is registered here`;
    throw this.#absent(message, "HOST_UNAVAILABLE", what);
  }

  /** @throws {SpawnError} `ACTOR_NOT_FOUND`; `HOST_UNAVAILABLE` if it may come, for which the message waits */
  #typeOf(message: StoredMessage): ActorType {
    const { types } = this.#parts;
    const { definition, name } = message.target;
    if (!this.#isAwaited(message)) return types().typeOf(name, definition);
    const what = `nobody has registered ${JSON.stringify(definition)} here`;
    throw this.#absent(message, "HOST_UNAVAILABLE", what);
  }

  /** Whether the target is not there, and may come. */
  #isAwaited({ target }: StoredMessage): boolean {
    const { types, awaitsDefinitions } = this.#parts;
    return awaitsDefinitions && !types().has(target.definition);
  }

  /**
   * Why a message cannot be delivered whose target is not here: it waits for that without being counted, and
   * after a day it has the attempts that every message has. One that was parked and is retried has them anew.
   */
  #absent(
    message: StoredMessage,
    code: "HOST_UNAVAILABLE" | "NODE_UNAVAILABLE",
    what: string,
  ): SpawnError {
    if (!this.#hasWaited(message)) {
      return new SpawnError(code, `${what} yet; the message waits for it`);
    }
    const { absentTargetMsMax } = this.#parts.limits;
    const waited = `the message has waited for it for ${absentTargetMsMax} ms`;
    return new SpawnError("DEADLINE_EXCEEDED", `${what}, and ${waited}`);
  }

  #hasWaited({ sentAt, headers: { repeat, notBefore } }: StoredMessage): boolean {
    const { clock, limits } = this.#parts;
    const since = repeat?.plannedAt ?? notBefore ?? sentAt;
    return clock.wall() - since > limits.absentTargetMsMax;
  }

  /** A message of this statestore: the commit of what it does consumes it. */
  #toActor(message: StoredMessage, caller: Caller, isStored: boolean): void {
    const { headers } = message;
    if (message.isTimer && this.#isOutdated(message)) {
      // Another timer has taken its place, or takes it when its actor comes to life again.
      const gone = this.operations.cancel(message.id);
      return void gone.then(
        () => caller.resolve(undefined),
        (error: SpawnError) => caller.reject(error),
      );
    }
    this.#submit(message, caller, {
      // The outcome of a step is remembered under its own id: an actor may be met twice in a chain.
      idempotencyKey: headers.rememberedBy === undefined ? undefined : message.id,
      fingerprint: "",
      message: isStored ? message : undefined,
    });
  }

  /** Whether the definition of a timer has changed since, or is gone. */
  #isOutdated(timer: StoredMessage): boolean {
    if (this.#isAwaited(timer)) return this.#hasWaited(timer);
    return !timerIds(timer.target, this.#typeOf(timer).definition).includes(timer.id);
  }

  /** A message of another statestore: that it was applied is remembered by its id and the time of sending. */
  #fromElsewhere(message: StoredMessage, caller: Caller): void {
    const { sentAt } = message;
    const { definition } = this.#typeOf(message);
    const id = sentId(message);
    this.#submit(message, caller, {
      idempotencyKey: definition.state === undefined ? undefined : `message ${id} ${sentAt}`,
      fingerprint: id,
      message: undefined,
    });
  }

  #submit(
    message: StoredMessage,
    caller: Caller,
    once: Pick<InvocationDetails, "idempotencyKey" | "fingerprint" | "message">,
  ): void {
    const { target, headers } = message;
    const type = this.#typeOf(message);
    const details = {
      idempotencyKey: once.idempotencyKey,
      fingerprint: once.fingerprint,
      message: once.message,
      metadata: headers.metadata ?? {},
      caller: callerOf(message),
      chain: NO_CHAIN,
      isUnread: headers.kind !== "step",
    };
    const invocation = new Invocation(
      {
        action: actionOf(type, message.action),
        payload: payloadOf(message),
        units: unitsOf(message),
        deadlineAt: this.#parts.time.now() + DEADLINE_MS_DEFAULT,
        details,
      },
      caller,
    );
    // It comes from a commit or a claim: it is stored, so no outcome of it is.
    invocation.isNew = once.message !== undefined;
    type.activation(target.name, invocation).submit(invocation);
  }
}

/** Who the message is from; a channel speaks for whoever publishes to it. */
function callerOf({ source, headers }: StoredMessage): ActorId | undefined {
  return source?.definition === CHANNEL ? headers.caller : source;
}
