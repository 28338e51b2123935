/** Everything an application developer imports. */
// Declarations name types of Node, and since TypeScript 6 nobody has those without asking for them.
/// <reference types="node" preserve="true" />
export { actor } from "./actor.ts";
export type {
  ActorOf,
  ActorOptions,
  AnyActor,
  ChannelSubscription,
  NameOf,
  Timer,
} from "./actor.ts";
export { input, read } from "./action.ts";
export type { Action, Actions } from "./action.ts";
export { actorSystem, DEFAULT_STATE_FILE } from "./actor-system.ts";
export type {
  ActorSystem,
  ActorSystemOptions,
  Encryption,
  EncryptionOptions,
  ExportOptions,
  ExportProgress,
  KeyMaterial,
  Messages,
  Reencryption,
  ReencryptionOptions,
  ReencryptionProgress,
  RowCounts,
  UnreadableRow,
} from "./actor-system.ts";
export { connect } from "../sidecar/connect.ts";
export type { ConnectOptions, SpawnClient } from "../sidecar/connect.ts";
export type { SidecarOptions } from "../sidecar/sidecar-address.ts";
export type { ActionMethod, ActorRef, Call, EffectRef, RefOf, StateOf } from "./actor-ref.ts";
export type {
  Actors,
  FilterOf,
  FindOptions,
  ForEachOptions,
  FoundRef,
  PurgeOptions,
  Where,
} from "./finding.ts";
export { cronTimes } from "./cron-times.ts";
export type { Context, ReadContext } from "./context.ts";
export { external } from "./external.ts";
export type { AnyExternal, External } from "./external.ts";
export type { JsonProblem, NotJson } from "./json-types.ts";
export { effect, reply } from "./reply.ts";
export type { Effect, Reply } from "./reply.ts";
export { rpc } from "./rpc.ts";
export { settle } from "./settle.ts";
export type { Settled } from "./settle.ts";
export { state } from "./state.ts";
export type { MessageState, VersionedState } from "./state.ts";
export type { StoredActorRef } from "./stored-actor.ts";
export { SpawnError, errorCodes, fail, isSpawnError } from "../engine/index.ts";
export type {
  ActorFilter,
  ActorId,
  ActorKind,
  ActorList,
  ActorQuery,
  Applied,
  CallOptions,
  ChannelListener,
  CheckedDefinition,
  Clock,
  Durability,
  EngineEvent,
  ErrorCode,
  EventListener,
  ExternalCall,
  Failure,
  FailureValue,
  IndexRange,
  IndexedValue,
  ForkOptions,
  InvokeRequest,
  JsonValue,
  Limits,
  ListedActor,
  ManyFailure,
  ManyOptions,
  ManyProgress,
  ManyResult,
  MessageQuery,
  MigrationCheck,
  MigrationCheckOptions,
  MigrationFailure,
  ParkedMessage,
  Publication,
  PoolSize,
  Random,
  ReindexFailure,
  Reindexing,
  ReindexOptions,
  RevisionInfo,
  SendOptions,
  SendRequest,
  SpawnErrorOptions,
  Statestore,
  StoredMessage,
  Tags,
} from "../engine/index.ts";
