/**
 * Serves a service as the actor of its name: the method is the action, the message is the payload.
 *
 * Messages pass through as the bytes that they came in, once it is sure that they are what the `.proto`
 * says, so fields that only newer clients and hosts know arrive too.
 */
import {
  create,
  fromBinary,
  fromJsonString,
  toBinary,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { AnySchema, EmptySchema, type Any } from "@bufbuild/protobuf/wkt";
import { getOption, ScalarType } from "@bufbuild/protobuf";
import { isSpawnError, SpawnError } from "spawn-mesh/engine";
import { actorIdOption, decodeMessage, isNoop, jsonTextOf } from "spawn-mesh/protocol";
import type { ActorCalls, ActorReply } from "./actor-calls.ts";
import type { RequestFacts, ServedMethod } from "./served-method.ts";

const URL_PREFIX = "type.googleapis.com/";

/** The methods of a service, each an action of the actor of that name. */
export function actorMethods(service: DescService, calls: ActorCalls): readonly ServedMethod[] {
  return service.methods.map((method) => ({
    method,
    answer: async (message, facts) => await answer(method, message, { calls, facts }),
  }));
}

interface Surroundings {
  readonly calls: ActorCalls;
  readonly facts: RequestFacts;
}

async function answer(
  method: DescMethod,
  message: Uint8Array,
  { calls, facts }: Surroundings,
): Promise<Uint8Array> {
  const target = targetOf(method, message, calls);
  const reply = await calls.invoke({
    ...target,
    ...facts,
    action: method.name,
    payload: create(AnySchema, { typeUrl: URL_PREFIX + method.input.typeName, value: message }),
  });
  return readReply(method, reply);
}

interface Target {
  readonly actor: string;
  readonly parent: string | undefined;
}

/** Whom a message is for. @throws {SpawnError} `ACTOR_NOT_FOUND`, `INVALID_ARGUMENT` */
function targetOf(method: DescMethod, message: Uint8Array, calls: ActorCalls): Target {
  const decoded = decodeMessage(method.input, message);
  const service = method.parent.name;
  const kind = calls.kindOf(service);
  if (kind === undefined) {
    throw new SpawnError(
      "ACTOR_NOT_FOUND",
      `no host has registered an actor ${service}, which ${method.parent.typeName} is served by`,
    );
  }
  if (kind !== "unnamed") return { actor: service, parent: undefined };
  const field = actorIdField(method.input);
  const actor = String(reflect(method.input, decoded).get(field));
  if (actor === "") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${field.name} is empty: it names the instance of ${service} that the request is for`,
    );
  }
  return { actor, parent: service };
}

const namingTypes: ReadonlySet<ScalarType> = new Set([
  ScalarType.STRING,
  ScalarType.INT32,
  ScalarType.INT64,
  ScalarType.UINT32,
  ScalarType.UINT64,
]);

/** The field that names the instance. @throws {SpawnError} `INVALID_ARGUMENT` when there is none */
function actorIdField(input: DescMessage): DescField & { readonly fieldKind: "scalar" } {
  const field = input.fields.find((each) => getOption(each, actorIdOption));
  if (field?.fieldKind === "scalar" && namingTypes.has(field.scalar)) return field;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${input.typeName} has no text or number field with the option (spawn.actors.actor_id), which an unnamed actor needs`,
  );
}

/** The message of a reply; nothing at all is an empty message. */
function readReply(method: DescMethod, reply: ActorReply): Uint8Array {
  if (reply.case !== "value" || isNothing(reply.value)) return new Uint8Array();
  const { output } = method;
  try {
    const value = messageIn(reply.value, output);
    if (value !== undefined) return value;
  } catch (error) {
    if (!isSpawnError(error) && !(error instanceof Error)) throw error;
    throw wrongReply(method, `bytes that are none`, error);
  }
  throw wrongReply(method, JSON.stringify(reply.value.typeUrl.slice(0, 200)));
}

function isNothing({ typeUrl, value }: Any): boolean {
  if (value.length > 0) return false;
  return typeUrl === "" || isNoop(typeUrl) || typeNameOf(typeUrl) === EmptySchema.typeName;
}

/** The encoded message in `any`; undefined when it is of another type. */
function messageIn(any: Any, output: DescMessage): Uint8Array | undefined {
  if (typeNameOf(any.typeUrl) === output.typeName) {
    fromBinary(output, any.value);
    return any.value;
  }
  const json = jsonTextOf(any);
  if (json === undefined) return undefined;
  return toBinary(output, fromJsonString(output, json, { ignoreUnknownFields: true }));
}

function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** The action ran, and only what it said afterwards is of no use. */
function wrongReply(
  { parent, name, output }: DescMethod,
  got: string,
  cause?: unknown,
): SpawnError {
  return new SpawnError(
    "ACTION_FAILED",
    `${parent.typeName}.${name} declares a reply of type ${output.typeName}, and its actor answered ${got}`,
    { applied: "yes", cause },
  );
}
