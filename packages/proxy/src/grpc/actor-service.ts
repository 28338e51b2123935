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
  getOption,
  ScalarType,
  toBinary,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  type Message,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { AnySchema, EmptySchema, type Any } from "@bufbuild/protobuf/wkt";
import { SpawnError } from "spawn-mesh/engine";
import { actorIdOption, decodeMessage, isNoop, jsonTextOf } from "spawn-mesh/protocol";
import type { ActorCalls, ActorReply } from "./actor-calls.ts";
import type { ServedMethod } from "./served-method.ts";

const URL_PREFIX = "type.googleapis.com/";

/** The methods of a service, each an action of the actor of that name. */
export function actorMethods(service: DescService, calls: ActorCalls): readonly ServedMethod[] {
  return service.methods.map((method) => {
    const findTarget = targetFinder(method, calls);
    return {
      method,
      answer: async (message, facts) => {
        const target = findTarget(message);
        const typeUrl = URL_PREFIX + method.input.typeName;
        const payload = create(AnySchema, { typeUrl, value: message });
        const action = method.name;
        return readReply(method, await calls.invoke({ ...target, ...facts, action, payload }));
      },
    };
  });
}

interface Target {
  readonly actor: string;
  readonly parent: string | undefined;
}

/** Says whom a message is for. @throws {SpawnError} `ACTOR_NOT_FOUND`, `INVALID_ARGUMENT` */
function targetFinder(method: DescMethod, calls: ActorCalls): (message: Uint8Array) => Target {
  const { input, parent: service } = method;
  const idField = actorIdField(input);
  return (message) => {
    const decoded = decodeMessage(input, message);
    const kind = calls.kindOf(service.name);
    if (kind === undefined) {
      throw new SpawnError(
        "ACTOR_NOT_FOUND",
        `no host has registered an actor ${service.name}, which ${service.typeName} is served by`,
      );
    }
    if (kind !== "unnamed") return { actor: service.name, parent: undefined };
    return { actor: instanceName(input, decoded, idField), parent: service.name };
  };
}

function instanceName(input: DescMessage, message: Message, idField: IdField | undefined): string {
  if (idField === undefined) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${input.typeName} has no text or number field with the option (spawn.actors.actor_id), which an unnamed actor needs`,
    );
  }
  const name = String(reflect(input, message).get(idField));
  if (name !== "") return name;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${idField.name} of ${input.typeName} is empty: it names the instance that the request is for`,
  );
}

type IdField = DescField & { readonly fieldKind: "scalar" };

const namingTypes: ReadonlySet<ScalarType> = new Set([
  ScalarType.STRING,
  ScalarType.INT32,
  ScalarType.INT64,
  ScalarType.UINT32,
  ScalarType.UINT64,
]);

/** The field that names the instance of an unnamed actor. */
function actorIdField(input: DescMessage): IdField | undefined {
  const field = input.fields.find((each) => getOption(each, actorIdOption));
  return field?.fieldKind === "scalar" && namingTypes.has(field.scalar) ? field : undefined;
}

/** The message of a reply; nothing at all is an empty message. */
function readReply(method: DescMethod, reply: ActorReply): Uint8Array {
  if (reply.case !== "value" || isNothing(reply.value)) return new Uint8Array();
  const { output } = method;
  try {
    const value = messageIn(reply.value, output);
    if (value !== undefined) return value;
  } catch (error) {
    throw wrongReply(method, "bytes that are none", error);
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
