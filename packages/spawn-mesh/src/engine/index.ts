/** What embeds the engine, and what a statestore is made of. */
// For those who embed the engine.
export { Engine, DRAIN_TIMEOUT_MS_DEFAULT } from "./engine.ts";
export { DEADLINE_MS_DEFAULT } from "./call-options.ts";
export type { ActorCall, Origin } from "./actor-call.ts";
export type { EngineOptions } from "./engine-options.ts";
export type { CallOptions } from "./call-options.ts";
export type { ActorType } from "./actor-type.ts";
export { findAction, DEFAULT_READS } from "./actor-definition.ts";
export type {
  ActionDefinition,
  ActionFunction,
  ActorDefinition,
  ActorKind,
  Conversion,
  Durability,
  PoolSize,
  StateDefinition,
} from "./actor-definition.ts";
export { checkName, formatActorId, NAME_BYTES_MAX } from "./actor-id.ts";
export type { ActorId } from "./actor-id.ts";
export { systemClock, systemRandom } from "./clock.ts";
export type { Clock, Random, Timer, TimerOptions } from "./clock.ts";
export { SpawnError, errorCodes, isSpawnError } from "./errors.ts";
export type { Applied, CodeFacts, ErrorCode, FailureValue, SpawnErrorOptions } from "./errors.ts";
export type { EngineLoad } from "./engine-load.ts";
export type { EngineEvent, EventListener } from "./events.ts";
export { fail, isFailure } from "./failure.ts";
export type { Failure } from "./failure.ts";
export { plainHost } from "./host.ts";
export type { Host } from "./host.ts";
export { checkWholeNumber, defaultLimits, TIMEOUT_MS_MAX } from "./limits.ts";
export type { Limits } from "./limits.ts";
export type { ActionContext, Cancellation, InvokeRequest, ReferenceCall } from "./run.ts";
export { ActionReply } from "./action-reply.ts";
export type {
  ActorFilter,
  ActorList,
  ActorQuery,
  IndexRange,
  ListedActor,
} from "./actor-finder.ts";
export { actOnMany } from "./acting-on-many.ts";
export type { ManyFailure, ManyOptions, ManyProgress, ManyResult } from "./acting-on-many.ts";
export type { Reindexing, ReindexOptions } from "./reindexing.ts";
export type { IndexedValue } from "./index-values.ts";
export { MessageOperations } from "./message-operations.ts";
export type { MessageQuery } from "./message-operations.ts";
export { firstTime } from "./repetition.ts";
export type { CronTimes } from "./repetition.ts";
export { storedId } from "./message-ids.ts";
export { payloadText } from "./message-payload.ts";
export { repetitionOf } from "./sending.ts";
export type { SendOptions, SendRequest } from "./sending.ts";
export type { ChannelListener, Publication } from "./broadcasts.ts";
export type { ExternalCall, ExternalFunction } from "./external-functions.ts";
export type { TimerDefinition } from "./timers.ts";
export type {
  CheckedDefinition,
  MigrationCheck,
  MigrationCheckOptions,
  MigrationFailure,
} from "./migration-check.ts";
export type { ForkOptions } from "./stored-actor.ts";
export { jsonCodec } from "./state-codec.ts";
export type { StateCodec } from "./state-codec.ts";
export { VALUE_DEPTH_MAX } from "./values.ts";
export { OpaqueValue, isOpaqueText, textOfValue, valueOfText } from "./value-text.ts";
export type { JsonValue } from "./values.ts";
// For those who write a statestore.
export { checkKeyIds, isSealed, sealableValue } from "./sealed-rows.ts";
export type {
  KeyProof,
  Rewrite,
  SealableRow,
  Sealed,
  SealedRows,
  ScannedRows,
} from "./sealed-rows.ts";
export type {
  ActorPage,
  ActorQueries,
  FoundActor,
  FoundActors,
  IndexCondition,
  IndexRewrite,
} from "./actor-queries.ts";
export type { IndexEntry, IndexKey } from "./index-values.ts";
export { leadOf } from "./actor-queries.ts";
export { indexEntries } from "./index-values.ts";
export { systemOf, valueOfRow } from "./system-rows.ts";
export type { ActorRow, ImportMark, SystemRow, SystemRows, WaitingMessage } from "./system-rows.ts";
export { StoreFailure } from "./statestore.ts";
export type {
  Codec,
  Commit,
  Etag,
  RevisionInfo,
  StateBytes,
  Statestore,
  StoreAnswer,
  StoreFailureKind,
  StoreHandle,
  StoreQuery,
  StoreSession,
  StoreWarning,
  StoredActor,
  StoredReply,
  StoredState,
  Tags,
} from "./statestore.ts";
export type {
  Message,
  MessageClaim,
  MessageHeaders,
  MessagePage,
  MessageRef,
  MessageStore,
  ParkedMessage,
  PlannedRepetition,
  SentLaterPage,
  Postponement,
  RememberedOutcome,
  Repetition,
  StoredMessage,
} from "./message-store.ts";
