/**
 * Protobuf messages as values of the engine: their bytes with their type, which nobody on the way looks
 * into, and which every other program with the same `.proto` reads.
 */
import { create, fromBinary, fromJson, isMessage, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, JsonValue, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { OpaqueValue, SpawnError, textOfValue, valueOfText } from "../engine/index.ts";
import { describeThrown } from "../engine/errors.ts";
import type { StateCodec } from "../engine/index.ts";

const URL_PREFIX = "type.googleapis.com/";

/**
 * The message as a value, made of its fields if it is none yet; an empty one for `undefined`.
 *
 * @param what for messages: `payload`, `reply`, `state`
 * @throws {SpawnError} `INVALID_ARGUMENT` for what is no such message
 */
export function valueOfMessage(schema: DescMessage, given: unknown, what: string): OpaqueValue {
  const bytes = checked(schema, what, () => {
    const init = (given ?? {}) as MessageInitShape<DescMessage>;
    const { $typeName: type } = init as { readonly $typeName?: string };
    if (type !== undefined && type !== schema.typeName) throw new TypeError(`got a ${type}`);
    return toBinary(schema, create(schema, init));
  });
  return new OpaqueValue(URL_PREFIX + schema.typeName, bytes);
}

/**
 * The message in a value. JSON is taken too, as the `.proto` maps it, for callers that have nothing else.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for another message, and for what is none
 */
export function messageOfValue<Desc extends DescMessage>(
  schema: Desc,
  value: unknown,
  what: string,
): MessageShape<Desc> {
  if (value === undefined) return create(schema);
  return checked(schema, what, () => {
    if (!(value instanceof OpaqueValue)) return fromJson(schema, value as JsonValue);
    const type = value.type.slice(value.type.lastIndexOf("/") + 1);
    if (type !== schema.typeName) throw new TypeError(`got a ${type}`);
    return fromBinary(schema, value.bytes);
  });
}

/** The message in a reply; what is no such message stays as it is. */
export function messageOfReply(schema: DescMessage, reply: unknown): unknown {
  const isIt = reply instanceof OpaqueValue && reply.type.endsWith(`/${schema.typeName}`);
  return isIt ? fromBinary(schema, reply.bytes) : reply;
}

/** States that are messages, as text with their type: another message, or JSON, is not taken for one. */
export function messageCodec(schema: DescMessage): StateCodec {
  return {
    name: "json",
    encode(state) {
      if (!isMessage(state, schema)) throw notIt(schema, "state", "got something else");
      return textOfValue(valueOfMessage(schema, state, "state"));
    },
    decode(bytes) {
      const value = typeof bytes === "string" ? valueOfText(bytes) : undefined;
      if (!(value instanceof OpaqueValue)) throw notIt(schema, "state", "got JSON");
      return messageOfValue(schema, value, "state");
    },
    isSame: (left, right) => left === right,
  };
}

function checked<Result>(schema: DescMessage, what: string, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    throw notIt(schema, what, describeThrown(error));
  }
}

function notIt({ typeName }: DescMessage, what: string, got: string): SpawnError {
  return new SpawnError("INVALID_ARGUMENT", `${what}: expected a message ${typeName}: ${got}`);
}
