/** States with a schema and versions, each of which says how the one before becomes it; and protobuf messages. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { create } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { jsonCodec } from "../engine/index.ts";
import type { StateDefinition } from "../engine/index.ts";
import { parseWith } from "./action.ts";
import { messageCodec, messageOfReply, valueOfMessage } from "./message-values.ts";

/** One version of a state's shape. */
interface StateVersion {
  readonly schema: StandardSchemaV1;
  /** From a state of the version before. */
  readonly migrate: (before: never) => unknown;
}

/** The shape of a state through its versions. Made by {@link state}. */
export interface VersionedState<State> extends StateDefinition {
  /** Never there: carries the type of today's shape. */
  readonly "~state"?: State;
  /**
   * A next version of the shape. States stored in the version before are migrated when they are
   * loaded, and stored in the new version with the next commit.
   */
  next<Schema extends StandardSchemaV1>(
    schema: Schema,
    migrate: (before: State) => StandardSchemaV1.InferInput<Schema>,
  ): VersionedState<StandardSchemaV1.InferOutput<Schema>>;
}

/** A state that is a protobuf message. Made by {@link state}. */
export interface MessageState<State> extends StateDefinition {
  /** Never there: carries the type of the message. */
  readonly "~state"?: State;
}

/**
 * A state with a schema, version 1. New and migrated states are checked with the schema.
 *
 * @param initial makes the state of a new actor, of version 1: it is migrated as a stored one is
 */
export function state<Schema extends StandardSchemaV1>(
  schema: Schema,
  initial: () => StandardSchemaV1.InferInput<Schema>,
): VersionedState<StandardSchemaV1.InferOutput<Schema>>;
/**
 * A state that is a protobuf message, stored in its own encoding. Its versions are those of the `.proto`:
 * fields come and go by protobuf's rules.
 *
 * @param schema what `protoc-gen-es` generates for the message
 * @param initial makes the state of a new actor, or the fields of it. Default: an empty message
 */
export function state<Desc extends DescMessage>(
  schema: Desc,
  initial?: () => MessageInitShape<Desc>,
): MessageState<MessageShape<Desc>>;
export function state(
  schema: StandardSchemaV1 | DescMessage,
  initial: () => unknown = () => ({}),
): StateDefinition {
  if ("typeName" in schema) return messageState(schema, initial);
  return versioned([{ schema, migrate: (before) => before }], initial);
}

function messageState(schema: DescMessage, initial: () => unknown): StateDefinition {
  return {
    codec: messageCodec(schema),
    version: 1,
    initial: () => create(schema, initial() as MessageInitShape<DescMessage>),
    migrate: (stored) => stored,
    read: {
      name: "get",
      isRead: true,
      parse: undefined,
      run: (context) => valueOfMessage(schema, context.state, "state"),
      conversion: { payload: (given) => given, reply: (reply) => messageOfReply(schema, reply) },
    },
  };
}

function versioned<State>(
  versions: readonly StateVersion[],
  initial: () => unknown,
): VersionedState<State> {
  return {
    codec: jsonCodec,
    version: versions.length,
    initial: () => migrated(versions, initial(), 0),
    migrate: (stored, version) => migrated(versions, stored, version),
    next: (schema, migrate) => versioned([...versions, { schema, migrate }], initial),
  };
}

/** Takes a state of `version` through all later ones; version 0 is what `initial` made. */
function migrated(versions: readonly StateVersion[], stored: unknown, version: number): unknown {
  return versions
    .slice(version)
    .reduce(
      (before, { schema, migrate }) => parseWith(schema, migrate(before as never), "state"),
      stored,
    );
}
