/** `actorSystem(name, options)`: starts actors and reaches them. */
import type {
  ActorKind,
  ActorList,
  ChannelListener,
  Clock,
  EventListener,
  InvokeRequest,
  Limits,
  MessageOperations,
  MigrationCheck,
  MigrationCheckOptions,
  Random,
  Reindexing,
  ReindexOptions,
  SendRequest,
  Statestore,
} from "../engine/index.ts";
import type { SidecarOptions } from "../sidecar/sidecar-address.ts";
import { SidecarActorSystem } from "../sidecar/sidecar-system.ts";
import type {
  Encryption,
  Reencryption,
  ReencryptionOptions,
} from "../statestores/encrypted/index.ts";
import type { ExportOptions } from "../statestores/transfer/index.ts";
import type { ActorOf, AnyActor, NameOf } from "./actor.ts";
import type { ActorRef, EffectRef } from "./actor-ref.ts";
import type { AnyExternal } from "./external.ts";
import type { Actors, FindOptions, Where } from "./finding.ts";
import { checkOptionNames } from "../engine/option-names.ts";
import { checkNodeVersion } from "./node-version.ts";
import type { StoredActorRef } from "./stored-actor.ts";
import { EmbeddedActorSystem } from "./embedded-system.ts";

export { DEFAULT_STATE_FILE } from "./embedded-system.ts";

export type {
  Encryption,
  EncryptionOptions,
  KeyMaterial,
  Reencryption,
  ReencryptionOptions,
  ReencryptionProgress,
} from "../statestores/encrypted/index.ts";

export type {
  ExportOptions,
  ExportProgress,
  RowCounts,
  UnreadableRow,
} from "../statestores/transfer/index.ts";

/** What a system runs, where it keeps that, and how it behaves. Only `actors` is required. */
export interface ActorSystemOptions {
  /** The actors of this system. */
  readonly actors: readonly AnyActor[];
  /** What actors can have done outside: see `external(…)`. */
  readonly externals?: readonly AnyExternal[] | undefined;
  /** Where they are kept. Default: a SQLite file, `.spawn/state.db` below the working directory. */
  readonly statestore?: Statestore | undefined;
  /**
   * Keys that encrypt states, history, stored replies and messages before the statestore sees them;
   * docs/guides/encryption.md says what stays in clear. Default: nothing is encrypted, which only a
   * statestore on this machine accepts.
   */
  readonly encryption?: Encryption | undefined;
  /**
   * The sidecar that keeps these actors, by its address (`http://127.0.0.1:9001`, or a Unix socket as
   * `unix:/var/run/spawn.sock`) or with more options. This program then runs the actions and nothing
   * else; docs/guides/beside-a-sidecar.md says what cannot be had that way. Default: they are kept here.
   */
  readonly sidecar?: string | SidecarOptions | undefined;
  /**
   * The name of the cluster that this process is part of, at most 255 bytes. A database serves a system
   * for one cluster: the first name is kept there, and a process with another name, or with none, is
   * refused. Default: none.
   */
  readonly cluster?: string | undefined;
  /** Stop on SIGTERM and SIGINT: drain, commit, then what the signal does by default. Default `true`. */
  readonly handleSignals?: boolean | undefined;
  /** Bounds of queues, sizes and times. Each has a default. */
  readonly limits?: Partial<Limits> | undefined;
  /**
   * Runs each action on a fresh decode of the state, fails calls after a state was changed behind our back,
   * and lets the stack of an error begin with the call. Default `false`.
   */
  readonly strict?: boolean | undefined;
  /**
   * Receives what the system tells about itself: messages that fail, fences, lost answers, abandoned runs.
   * Without it those that need somebody are warnings of the process, each type at most every 10 s.
   */
  readonly onEvent?: EventListener | undefined;
  /** Time, for tests. Default: the real clock. */
  readonly clock?: Clock | undefined;
  /** Randomness, for tests. Default: real randomness. */
  readonly random?: Random | undefined;
}

/** Messages that wait to be delivered, and those that were given up. */
export type Messages = Pick<
  MessageOperations,
  "list" | "cancel" | "listParked" | "retry" | "discard"
>;

/** A running set of actors. */
export interface ActorSystem extends AsyncDisposable {
  readonly name: string;
  /**
   * Opens the statestore and begins to take calls; beside a sidecar, registers there and waits for it up to 30 s.
   *
   * @throws {SpawnError} `STATESTORE_UNAVAILABLE`, `ALREADY_REGISTERED` while a system of that name runs here,
   * `INVALID_ARGUMENT` when it was started before, or keys are missing; beside a sidecar what that answers,
   * or why it cannot be reached
   */
  start(): Promise<void>;
  /**
   * A typed reference to an actor. It can be made at any time and costs nothing.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` for a name that cannot be one, `ACTOR_NOT_FOUND` for a definition
   * that is not among the `actors` of the system
   */
  actor<State, ActionsOf, Kind extends ActorKind>(
    definition: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): ActorRef<State, ActionsOf>;
  /** Calls an action by names. @throws {SpawnError} with any code, as every call: docs/guides/errors.md */
  invoke<Reply = unknown>(name: string, request: InvokeRequest): Promise<Reply>;
  /**
   * A typed reference that sends messages: each is stored, is delivered once or at the times of its
   * options, survives restarts, and has an id to cancel it by.
   */
  effect<State, ActionsOf, Kind extends ActorKind>(
    definition: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): EffectRef<ActionsOf, Promise<string>>;
  /**
   * Sends a message by names; answers its id when it is stored. Inside an action it is the action's message.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE`, `OVERLOADED`, `STATESTORE_UNAVAILABLE`,
   * `UNKNOWN_OUTCOME`, `SHUTTING_DOWN`
   */
  send(name: string, request: SendRequest): Promise<string>;
  /**
   * Sends a payload to all subscribers of a channel; answers the id of the broadcast when it is stored.
   * Inside an action of this system it is the action's broadcast, stored with what that changes.
   *
   * @throws {SpawnError} as {@link ActorSystem.send}
   */
  publish(channel: string, payload?: unknown): Promise<string>;
  /**
   * Lets code that is no actor listen to a channel, from now on and without any promise: what is
   * broadcast while it does not run is not told again. Returns a function that ends it.
   */
  subscribe(channel: string, listener: ChannelListener): () => void;
  /** What waits to be delivered, and what was given up: list, cancel, retry, discard. */
  readonly messages: Messages;
  /** The actors that are stored: list, act on many, delete many. */
  readonly actors: Actors;
  /**
   * Finds actors of a definition by its declared index: all values and ranges must hold. With one range they
   * come in the order of its values.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT`, `STATESTORE_UNAVAILABLE`
   */
  find<State, ActionsOf, Kind extends ActorKind, Index>(
    definition: ActorOf<State, ActionsOf, Kind, Index>,
    where: Where<Index>,
    options?: FindOptions,
  ): Promise<ActorList>;
  /**
   * Makes the index of all stored actors of a definition anew, while the system works: after its `index` was
   * changed, when no process has the old one any more. It can be ended and gone on with.
   *
   * @throws {SpawnError} `STATESTORE_UNAVAILABLE`, `SHUTTING_DOWN`; what was done stays
   */
  reindex(definition: AnyActor, options?: ReindexOptions): Promise<Reindexing>;
  /** What the statestore keeps of an actor: read and restore revisions, delete. */
  stored<State, ActionsOf, Kind extends ActorKind>(
    definition: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): StoredActorRef<State>;
  /**
   * Encrypts everything with the active key that is not yet, while the system works; then the other
   * keys may go. Resolves when it is done.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` without encryption, `STATESTORE_UNAVAILABLE`,
   * `SHUTTING_DOWN`; what was done stays, and it can be called again
   */
  reencrypt(options?: ReencryptionOptions): Promise<Reencryption>;
  /**
   * Whether this program can read what is stored: reads all present states, migrates those of older
   * versions as an activation would, and writes none. Called before `start()`, nothing else of the
   * system works meanwhile.
   *
   * @throws {SpawnError} `STATESTORE_UNAVAILABLE`, `ACTOR_NOT_FOUND`, `INVALID_ARGUMENT` for a definition
   * that has no state, `SHUTTING_DOWN`
   */
  checkMigrations(options?: MigrationCheckOptions): Promise<MigrationCheck>;
  /**
   * Everything that the statestore keeps of this system, as it is at the moment when the first bytes
   * are taken, while the system works: a stream for `importSystem` of `spawn-mesh/transfer`.
   *
   * @throws {SpawnError} `STATESTORE_UNAVAILABLE`; `STATE_CORRUPT` when a row cannot be read, unless there is
   * `onUnreadable`; `OVERLOADED` while another export is read; `SHUTTING_DOWN`
   */
  export(options?: ExportOptions): AsyncIterable<Uint8Array>;
  /**
   * Takes no more calls, lets what is queued run for `drainTimeoutMs` (default 10 000), commits, and closes the
   * statestore. What is still queued then fails with `SHUTTING_DOWN`.
   */
  stop(options?: { readonly drainTimeoutMs?: number | undefined }): Promise<void>;
  /**
   * Ends as `kill -9` does: nothing more is written. For tests: a new system on the same memory statestore goes on from
   * there. A SQLite file stays taken until the process ends.
   */
  crash(): void;
}

const OPTIONS: Readonly<Record<keyof ActorSystemOptions, true>> = {
  actors: true,
  externals: true,
  statestore: true,
  encryption: true,
  sidecar: true,
  cluster: true,
  handleSignals: true,
  limits: true,
  strict: true,
  onEvent: true,
  clock: true,
  random: true,
};

/**
 * Makes an actor system, embedded in this process or beside a sidecar.
 *
 * @param name the namespace of its actors: the same name on the same statestore finds them again
 * @throws {SpawnError} `INVALID_ARGUMENT`, `ALREADY_REGISTERED`
 */
export function actorSystem(name: string, options: ActorSystemOptions): ActorSystem {
  checkNodeVersion();
  checkOptionNames(`the system ${name}`, options ?? {}, Object.keys(OPTIONS));
  return options?.sidecar === undefined
    ? new EmbeddedActorSystem(name, options)
    : new SidecarActorSystem(name, { ...options, sidecar: options.sidecar });
}
