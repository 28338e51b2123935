/** What embeds the engine, and what a statestore is made of. */
// For those who embed the engine.
export { Engine, DRAIN_TIMEOUT_MS_DEFAULT } from "./engine.ts";
export { DEADLINE_MS_DEFAULT } from "./calls/call-options.ts";
export type { ActorCall, Origin } from "./calls/actor-call.ts";
export type { EngineOptions } from "./engine-options.ts";
export type { CallOptions } from "./calls/call-options.ts";
export type { ActorType } from "./activations/actor-type.ts";
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
export type {
  ActionContext,
  Cancellation,
  InvokeRequest,
  ReferenceCall,
} from "./activations/action-context.ts";
export { ActionReply } from "./calls/action-reply.ts";
export type {
  ActorFilter,
  ActorList,
  ActorQuery,
  IndexRange,
  ListedActor,
} from "./care/actor-finder.ts";
export { actOnMany } from "./care/acting-on-many.ts";
export type { ManyFailure, ManyOptions, ManyProgress, ManyResult } from "./care/acting-on-many.ts";
export type { ReindexFailure, Reindexing, ReindexOptions } from "./care/reindexing.ts";
export type { IndexedValue } from "./values/index-values.ts";
export { MessageOperations } from "./messages/message-operations.ts";
export type { MessageQuery } from "./messages/message-operations.ts";
export { firstTime } from "./messages/repetition.ts";
export type { CronTimes } from "./messages/repetition.ts";
export { storedId } from "./messages/message-ids.ts";
export { payloadText } from "./messages/message-payload.ts";
export { repetitionOf } from "./messages/send-options.ts";
export type { SendOptions, SendRequest } from "./messages/send-options.ts";
export type { ChannelListener, Publication } from "./messages/broadcasts.ts";
export type { ExternalCall, ExternalFunction } from "./messages/external-functions.ts";
export type { TimerDefinition } from "./messages/timers.ts";
export type {
  CheckedDefinition,
  MigrationCheck,
  MigrationCheckOptions,
  MigrationFailure,
} from "./care/migration-check.ts";
export type { ForkOptions } from "./care/stored-actor.ts";
export { jsonCodec } from "./state-codec.ts";
export type { StateCodec } from "./state-codec.ts";
export { VALUE_DEPTH_MAX } from "./values/json-value.ts";
export { OpaqueValue, isOpaqueText, textOfValue, valueOfText } from "./values/value-text.ts";
export type { JsonValue } from "./values/json-value.ts";
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
export type { IndexEntry, IndexKey } from "./values/index-values.ts";
export { leadOf } from "./actor-queries.ts";
export { indexEntries } from "./values/index-values.ts";
export { removableOf, systemOf, valueOfRow } from "./system-rows.ts";
export type {
  ActorRow,
  FoundRow,
  ImportMark,
  RemovableRows,
  SystemRow,
  SystemRows,
  WaitingMessage,
} from "./system-rows.ts";
export type { DamagedRow, RowKind } from "./damaged-rows.ts";
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
