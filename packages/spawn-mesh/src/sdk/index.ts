/** Everything an application developer imports. */
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
  KeyMaterial,
  Messages,
  Reencryption,
  ReencryptionOptions,
  ReencryptionProgress,
} from "./actor-system.ts";
export { connect } from "../sidecar/connect.ts";
export type { ConnectOptions, SpawnClient } from "../sidecar/connect.ts";
export type { SidecarOptions } from "../sidecar/sidecar-address.ts";
export type { ActionMethod, ActorRef, Call, EffectRef } from "./actor-ref.ts";
export type { Context, ReadContext } from "./context.ts";
export { external } from "./external.ts";
export type { AnyExternal, External } from "./external.ts";
export type { JsonProblem, NotJson } from "./json-types.ts";
export { effect, reply } from "./reply.ts";
export type { Effect, Reply } from "./reply.ts";
export { settle } from "./settle.ts";
export type { Settled } from "./settle.ts";
export { state } from "./state.ts";
export type { VersionedState } from "./state.ts";
export type { StoredActorRef } from "./stored-actor.ts";
export { SpawnError, errorCodes, fail, isSpawnError } from "../engine/index.ts";
export type {
  ActorId,
  ActorKind,
  Applied,
  CallOptions,
  ChannelListener,
  Clock,
  Durability,
  EngineEvent,
  ErrorCode,
  EventListener,
  ExternalCall,
  Failure,
  FailureValue,
  InvokeRequest,
  JsonValue,
  Limits,
  MessageQuery,
  ParkedMessage,
  Publication,
  PoolSize,
  Random,
  RevisionInfo,
  SendOptions,
  SendRequest,
  SpawnErrorOptions,
  Statestore,
  StoredMessage,
  Tags,
} from "../engine/index.ts";
