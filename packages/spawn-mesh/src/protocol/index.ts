/** The protocol between the proxy, hosts in any language, and clients; as generated from `proto/`. */
// For whoever reads what other programs send.
export { decodeMessage } from "./decode-message.ts";
export { callAnswerBytes, callBytes, hostAnswerBytes, invocationBytes } from "./call-messages.ts";
export { furtherFields } from "./further-fields.ts";
export { jsonOfValue, valueOfJson } from "./json-values.ts";
export { readRegistration, targetOf } from "./registration.ts";
export type { RegisteredActor, Registration } from "./registration.ts";
export {
  isJsonType,
  isNoop,
  jsonTextOf,
  olderStateType,
  olderStateVersion,
  respell,
  spellingOf,
  wrapJson,
} from "./type-urls.ts";
export type { Spelling } from "./type-urls.ts";
export { runIn } from "./usual-messages.ts";
export { actorIdOf, wireIdOf } from "./wire-forms.ts";
export type { WireId, WirePayload } from "./wire-forms.ts";
// One connection for all that our SDK and our proxy say.
export { FrameKind, PROGRAM_HEADER, STREAM_PATH, STREAM_PROTOCOL } from "./stream/frames.ts";
export { StreamConnection } from "./stream/stream-connection.ts";
export type {
  AnswerKind,
  Lost,
  StreamLimits,
  StreamListener,
  Waiter,
} from "./stream/stream-connection.ts";
// Messages.
export {
  ActorInvocationResponseSchema,
  ActorInvocationSchema,
  BroadcastSchema,
  ContextSchema,
  FactSchema,
  ForwardSchema,
  InvocationRequestSchema,
  InvocationResponseSchema,
  JSONTypeSchema,
  NoopSchema,
  PipeSchema,
  ProxyInfoSchema,
  RegistrationRequestSchema,
  RegistrationResponseSchema,
  RequestStatusSchema,
  ServiceInfoSchema,
  SideEffectSchema,
  SpawnRequestSchema,
  SpawnResponseSchema,
  Status,
  StatusSchema,
  WorkflowSchema,
} from "./gen/spawn/protocol_pb.ts";
export type {
  ActorInvocation,
  ActorInvocationResponse,
  Broadcast,
  Context,
  Fact,
  Forward,
  InvocationRequest,
  InvocationResponse,
  JSONType,
  Noop,
  Pipe,
  ProxyInfo,
  RegistrationRequest,
  RegistrationResponse,
  RequestStatus,
  ServiceInfo,
  SideEffect,
  SpawnRequest,
  SpawnResponse,
  Workflow,
} from "./gen/spawn/protocol_pb.ts";
export {
  ActionSchema,
  ActorDeactivationStrategySchema,
  ActorIdSchema,
  ActorSchema,
  ActorSettingsSchema,
  ActorSnapshotStrategySchema,
  ActorStateSchema,
  ActorSystemSchema,
  ChannelSchema,
  EventsRetentionStrategySchema,
  FixedTimerActionSchema,
  Kind,
  KindSchema,
  MetadataSchema,
  ProjectionSettingsSchema,
  ProjectionSubjectSchema,
  RegistrySchema,
  TimeoutStrategySchema,
} from "./gen/spawn/actors/actor_pb.ts";
export type {
  Action,
  Actor,
  ActorDeactivationStrategy,
  ActorId,
  ActorSettings,
  ActorSnapshotStrategy,
  ActorState,
  ActorSystem,
  Channel,
  EventsRetentionStrategy,
  FixedTimerAction,
  Metadata,
  ProjectionSettings,
  ProjectionSubject,
  Registry,
  TimeoutStrategy,
} from "./gen/spawn/actors/actor_pb.ts";
export {
  DefinitionSchema,
  FunctionCallSchema,
  FunctionsSchema,
  OutcomeSchema,
  RefusalSchema,
  RunSchema,
  SentSchema,
} from "./gen/spawn/mesh/run_pb.ts";
export type {
  Definition,
  FunctionCall,
  Functions,
  Outcome,
  Refusal,
  Run,
  Sent,
} from "./gen/spawn/mesh/run_pb.ts";
export { CheckpointSchema, RevisionSchema } from "./gen/spawn/state/state_pb.ts";
export type { Checkpoint, Revision } from "./gen/spawn/state/state_pb.ts";
// Options of a user's own services, and the health that an actor reports.
export {
  actor as actorOption,
  actor_id as actorIdOption,
  ActorOptsSchema,
  ActorViewOptionSchema,
  searchable as searchableOption,
  view as viewOption,
} from "./gen/spawn/actors/extensions_pb.ts";
export type { ActorOpts, ActorViewOption } from "./gen/spawn/actors/extensions_pb.ts";
export {
  HealthCheckActor,
  HealthCheckReplySchema,
  StatusSchema as HealthStatusSchema,
} from "./gen/spawn/actors/healthcheck/healthcheck_pb.ts";
export type {
  HealthCheckReply,
  Status as HealthStatus,
} from "./gen/spawn/actors/healthcheck/healthcheck_pb.ts";
export { http as httpOption } from "./gen/google/api/annotations_pb.ts";
export { HttpRuleSchema } from "./gen/google/api/http_pb.ts";
export type { CustomHttpPattern, HttpRule } from "./gen/google/api/http_pb.ts";
