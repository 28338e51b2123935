/**
 * The public surface, door by door. A name that appears or goes is a decision: it changes this list
 * and CHANGELOG.md in the same commit.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript59";
import { describe, expect, test } from "vitest";

interface Door {
  /** What exists at run time. */
  readonly values: readonly string[];
  /** Interfaces and type aliases. */
  readonly types: readonly string[];
}

const doors: Readonly<Record<string, Door>> = {
  "spawn-mesh": {
    values: [
      "DEFAULT_STATE_FILE",
      "SpawnError",
      "actor",
      "actorSystem",
      "effect",
      "errorCodes",
      "external",
      "fail",
      "input",
      "isSpawnError",
      "read",
      "reply",
      "settle",
      "state",
    ],
    types: [
      "Action",
      "ActionMethod",
      "Actions",
      "ActorId",
      "ActorKind",
      "ActorOf",
      "ActorOptions",
      "ActorRef",
      "ActorSystem",
      "ActorSystemOptions",
      "AnyActor",
      "AnyExternal",
      "Applied",
      "Call",
      "CallOptions",
      "ChannelListener",
      "ChannelSubscription",
      "Clock",
      "Context",
      "Durability",
      "Effect",
      "EffectRef",
      "Encryption",
      "EncryptionOptions",
      "EngineEvent",
      "ErrorCode",
      "EventListener",
      "External",
      "ExternalCall",
      "Failure",
      "FailureValue",
      "InvokeRequest",
      "JsonProblem",
      "JsonValue",
      "KeyMaterial",
      "Limits",
      "MessageQuery",
      "Messages",
      "NameOf",
      "NotJson",
      "ParkedMessage",
      "PoolSize",
      "Publication",
      "Random",
      "ReadContext",
      "Reencryption",
      "ReencryptionOptions",
      "ReencryptionProgress",
      "Reply",
      "RevisionInfo",
      "SendOptions",
      "SendRequest",
      "Settled",
      "SpawnErrorOptions",
      "Statestore",
      "StoredActorRef",
      "StoredMessage",
      "Tags",
      "Timer",
      "VersionedState",
    ],
  },
  "spawn-mesh/engine": {
    values: [
      "ActionReply",
      "DEADLINE_MS_DEFAULT",
      "DEFAULT_READS",
      "DRAIN_TIMEOUT_MS_DEFAULT",
      "Engine",
      "MessageOperations",
      "NAME_BYTES_MAX",
      "SpawnError",
      "StoreFailure",
      "TIMEOUT_MS_MAX",
      "VALUE_DEPTH_MAX",
      "checkKeyIds",
      "checkName",
      "checkWholeNumber",
      "defaultLimits",
      "errorCodes",
      "fail",
      "findAction",
      "firstTime",
      "formatActorId",
      "isFailure",
      "isSealed",
      "isSpawnError",
      "jsonCodec",
      "payloadText",
      "plainHost",
      "repetitionOf",
      "sealableValue",
      "systemClock",
      "systemRandom",
    ],
    types: [
      "ActionContext",
      "ActionDefinition",
      "ActionFunction",
      "ActorCall",
      "ActorDefinition",
      "ActorId",
      "ActorKind",
      "ActorType",
      "Applied",
      "CallOptions",
      "ChannelListener",
      "Clock",
      "CodeFacts",
      "Codec",
      "Commit",
      "CronTimes",
      "Durability",
      "EngineEvent",
      "EngineOptions",
      "ErrorCode",
      "Etag",
      "EventListener",
      "ExternalCall",
      "ExternalFunction",
      "Failure",
      "FailureValue",
      "Host",
      "InvokeRequest",
      "JsonValue",
      "KeyProof",
      "Limits",
      "Message",
      "MessageClaim",
      "MessageHeaders",
      "MessagePage",
      "MessageQuery",
      "MessageRef",
      "MessageStore",
      "Origin",
      "ParkedMessage",
      "PlannedRepetition",
      "SentLaterPage",
      "PoolSize",
      "Postponement",
      "RememberedOutcome",
      "Publication",
      "Random",
      "ReferenceCall",
      "Repetition",
      "RevisionInfo",
      "Rewrite",
      "ScannedRows",
      "SealableRow",
      "Sealed",
      "SealedRows",
      "SendOptions",
      "SendRequest",
      "SpawnErrorOptions",
      "StateBytes",
      "StateCodec",
      "StateDefinition",
      "Statestore",
      "StoreAnswer",
      "StoreFailureKind",
      "StoreHandle",
      "StoreQuery",
      "StoreSession",
      "StoreWarning",
      "StoredActor",
      "StoredMessage",
      "StoredReply",
      "StoredState",
      "Tags",
      "Timer",
      "TimerDefinition",
      "TimerOptions",
    ],
  },
  "spawn-mesh/memory": { values: ["memoryStatestore"], types: [] },
  "spawn-mesh/sqlite": {
    values: ["sqliteStatestore"],
    types: ["SqliteDurability", "SqliteStatestore", "SqliteStatestoreOptions"],
  },
  "spawn-mesh/encryption": {
    values: ["encryptedStatestore", "keyFile"],
    types: [
      "EncryptedStatestore",
      "Encryption",
      "EncryptionOptions",
      "KeyMaterial",
      "Reencryption",
      "ReencryptionOptions",
      "ReencryptionProgress",
    ],
  },
  "spawn-mesh/postgres": {
    values: ["postgresStatestore"],
    types: ["PostgresStatestoreOptions", "TlsMaterial"],
  },
  "spawn-mesh/cockroach": {
    values: ["cockroachStatestore"],
    types: ["PostgresStatestoreOptions", "TlsMaterial"],
  },
  "spawn-mesh/mysql": {
    values: ["mysqlStatestore"],
    types: ["MysqlStatestoreOptions", "TlsMaterial"],
  },
  "spawn-mesh/mssql": {
    values: ["mssqlStatestore"],
    types: ["MssqlStatestoreOptions", "TlsMaterial"],
  },
  "spawn-mesh/statestores": {
    values: ["statestoreFromUrl"],
    types: ["StatestoreFromUrlOptions", "TlsMaterial"],
  },
  "spawn-mesh/protocol": {
    values: [
      "ActionSchema",
      "ActorDeactivationStrategySchema",
      "ActorIdSchema",
      "ActorInvocationResponseSchema",
      "ActorInvocationSchema",
      "ActorOptsSchema",
      "ActorSchema",
      "ActorSettingsSchema",
      "ActorSnapshotStrategySchema",
      "ActorStateSchema",
      "ActorSystemSchema",
      "ActorViewOptionSchema",
      "BroadcastSchema",
      "ChannelSchema",
      "CheckpointSchema",
      "ContextSchema",
      "EventsRetentionStrategySchema",
      "FactSchema",
      "FixedTimerActionSchema",
      "ForwardSchema",
      "HealthCheckActor",
      "HealthCheckReplySchema",
      "HealthStatusSchema",
      "HttpRuleSchema",
      "InvocationRequestSchema",
      "InvocationResponseSchema",
      "JSONTypeSchema",
      "Kind",
      "KindSchema",
      "MetadataSchema",
      "NoopSchema",
      "PipeSchema",
      "ProjectionSettingsSchema",
      "ProjectionSubjectSchema",
      "ProxyInfoSchema",
      "RegistrationRequestSchema",
      "RegistrationResponseSchema",
      "RegistrySchema",
      "RequestStatusSchema",
      "RevisionSchema",
      "ServiceInfoSchema",
      "SideEffectSchema",
      "SpawnRequestSchema",
      "SpawnResponseSchema",
      "Status",
      "StatusSchema",
      "TimeoutStrategySchema",
      "WorkflowSchema",
      "actorIdOption",
      "actorOption",
      "decodeMessage",
      "httpOption",
      "isJsonType",
      "isNoop",
      "jsonTextOf",
      "readRegistration",
      "respell",
      "searchableOption",
      "spellingOf",
      "targetOf",
      "viewOption",
      "wrapJson",
    ],
    types: [
      "Action",
      "Actor",
      "ActorDeactivationStrategy",
      "ActorId",
      "ActorInvocation",
      "ActorInvocationResponse",
      "ActorOpts",
      "ActorSettings",
      "ActorSnapshotStrategy",
      "ActorState",
      "ActorSystem",
      "ActorViewOption",
      "Broadcast",
      "Channel",
      "Checkpoint",
      "Context",
      "CustomHttpPattern",
      "EventsRetentionStrategy",
      "Fact",
      "FixedTimerAction",
      "Forward",
      "HealthCheckReply",
      "HealthStatus",
      "HttpRule",
      "InvocationRequest",
      "InvocationResponse",
      "JSONType",
      "Metadata",
      "Noop",
      "Pipe",
      "ProjectionSettings",
      "ProjectionSubject",
      "ProxyInfo",
      "RegisteredActor",
      "Registration",
      "RegistrationRequest",
      "RegistrationResponse",
      "Registry",
      "RequestStatus",
      "Revision",
      "ServiceInfo",
      "SideEffect",
      "SpawnRequest",
      "SpawnResponse",
      "Spelling",
      "TimeoutStrategy",
      "Workflow",
    ],
  },
  "spawn-mesh/testing": {
    values: [
      "FaultyStatestore",
      "TestActorSystem",
      "VirtualClock",
      "runStatestoreModel",
      "sealedRowsConformance",
      "seededRandom",
      "statestoreConformance",
      "testActorSystem",
    ],
    types: [
      "ConformanceCase",
      "OpenStatestore",
      "StatestoreFault",
      "StatestoreHold",
      "StatestoreModelOptions",
      "StatestoreOperation",
      "TestActorSystemOptions",
      "VirtualClockOptions",
    ],
  },
};

const library = join(import.meta.dirname, "../..");
const { exports } = JSON.parse(readFileSync(join(library, "package.json"), "utf8")) as {
  exports: Record<string, string | Record<string, string>>;
};
const sources = new Map(
  Object.entries(exports).flatMap(([subpath, door]) =>
    typeof door === "string"
      ? []
      : [[subpath.replace(".", "spawn-mesh"), join(library, door["@spawn-mesh/source"] ?? "")]],
  ),
);

/** The exported names of a source file, as written there: a door exports by name, never `*`. */
function exportedNames(file: string): Door {
  const values: string[] = [];
  const types: string[] = [];
  const tree = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ESNext, true);
  for (const statement of tree.statements) {
    if (ts.isExportDeclaration(statement)) {
      const clause = statement.exportClause;
      if (clause === undefined || !ts.isNamedExports(clause)) values.push("*");
      else {
        for (const { name, isTypeOnly } of clause.elements) {
          (statement.isTypeOnly || isTypeOnly ? types : values).push(name.text);
        }
      }
    } else if (
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
    ) {
      const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
      (isType ? types : values).push(...declaredNames(statement));
    }
  }
  return { values: values.toSorted(), types: types.toSorted() };
}

function declaredNames(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const { name } = statement as ts.DeclarationStatement;
  return name === undefined ? ["default"] : [name.getText()];
}

test("the package has these doors and no other", () => {
  expect([...sources.keys()]).toEqual(Object.keys(doors));
});

describe.each(Object.entries(doors))("%s", (name, door) => {
  test("exports exactly the names of the list", () => {
    expect(exportedNames(sources.get(name) ?? "")).toEqual({
      values: door.values.toSorted(),
      types: door.types.toSorted(),
    });
  });

  test("loads, and has those names at run time", async () => {
    const loaded = (await import(sources.get(name) ?? "")) as object;
    expect(Object.keys(loaded).toSorted()).toEqual(door.values.toSorted());
  });
});
