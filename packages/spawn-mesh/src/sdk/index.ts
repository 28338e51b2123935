/** Everything an application developer imports. */
export { actor } from "./actor.ts";
export type { ActorOf, ActorOptions, AnyActor, NameOf } from "./actor.ts";
export { input, read } from "./action.ts";
export type { Action, Actions } from "./action.ts";
export { actorSystem, DEFAULT_STATE_FILE } from "./actor-system.ts";
export type { ActorSystem, ActorSystemOptions } from "./actor-system.ts";
export type { ActionMethod, ActorRef, Call } from "./actor-ref.ts";
export type { Context, ReadContext } from "./context.ts";
export type { JsonProblem, NotJson } from "./json-types.ts";
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
  Clock,
  Durability,
  EngineEvent,
  ErrorCode,
  EventListener,
  Failure,
  FailureValue,
  InvokeRequest,
  JsonValue,
  Limits,
  Random,
  RevisionInfo,
  SpawnErrorOptions,
  Statestore,
  Tags,
} from "../engine/index.ts";
