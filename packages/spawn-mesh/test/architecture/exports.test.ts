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
      "errorCodes",
      "fail",
      "input",
      "isSpawnError",
      "read",
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
      "Applied",
      "Call",
      "CallOptions",
      "Clock",
      "Context",
      "Durability",
      "EngineEvent",
      "ErrorCode",
      "EventListener",
      "Failure",
      "FailureValue",
      "InvokeRequest",
      "JsonProblem",
      "JsonValue",
      "Limits",
      "NameOf",
      "NotJson",
      "Random",
      "ReadContext",
      "RevisionInfo",
      "Settled",
      "SpawnErrorOptions",
      "Statestore",
      "StoredActorRef",
      "Tags",
      "VersionedState",
    ],
  },
  "spawn-mesh/engine": {
    values: [
      "DEADLINE_MS_DEFAULT",
      "DEFAULT_READS",
      "DRAIN_TIMEOUT_MS_DEFAULT",
      "Engine",
      "NAME_BYTES_MAX",
      "SpawnError",
      "StoreFailure",
      "TIMEOUT_MS_MAX",
      "VALUE_DEPTH_MAX",
      "checkName",
      "checkWholeNumber",
      "defaultLimits",
      "errorCodes",
      "fail",
      "findAction",
      "formatActorId",
      "isFailure",
      "isSpawnError",
      "jsonCodec",
      "plainHost",
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
      "Clock",
      "CodeFacts",
      "Codec",
      "Commit",
      "Durability",
      "EngineEvent",
      "EngineOptions",
      "ErrorCode",
      "Etag",
      "EventListener",
      "Failure",
      "FailureValue",
      "Host",
      "InvokeRequest",
      "JsonValue",
      "Limits",
      "Origin",
      "Random",
      "RevisionInfo",
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
      "StoredActor",
      "StoredReply",
      "StoredState",
      "Tags",
      "Timer",
      "TimerOptions",
    ],
  },
  "spawn-mesh/memory": { values: ["memoryStatestore"], types: [] },
  "spawn-mesh/sqlite": {
    values: ["sqliteStatestore"],
    types: ["SqliteDurability", "SqliteStatestore", "SqliteStatestoreOptions"],
  },
  "spawn-mesh/testing": {
    values: [
      "FaultyStatestore",
      "TestActorSystem",
      "VirtualClock",
      "runStatestoreModel",
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
