/**
 * The two messages whose names travel: `JSONType` and `Noop`, inside an `Any`.
 *
 * SDKs of different generations were generated from different packages and check the name strictly, so
 * each host gets the spelling that it uses itself. Every other `Any` passes through byte for byte.
 */
import { create, fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { AnySchema, type Any } from "@bufbuild/protobuf/wkt";
import { describeThrown, SpawnError } from "../engine/errors.ts";
import { jsonTypeBytes } from "./call-messages.ts";
import { JSONTypeSchema } from "./gen/spawn/protocol_pb.ts";

/** The package that a host's SDK was generated from. */
export type Spelling = "spawn" | "eigr.functions.protocol" | "eigr.spawn";

/** Field 1, with its length before it. */
const CONTENT_TAG = 0x0a;

const URL_PREFIX = "type.googleapis.com/";
const ours =
  /^(?<prefix>.*\/)?(?<spelling>spawn|eigr\.functions\.protocol|eigr\.spawn)\.(?<name>JSONType|Noop)$/s;

interface OurType {
  readonly spelling: Spelling;
  readonly name: string;
}

/** The URLs that SDKs write; they come with every message, several times. */
const usual: ReadonlyMap<string, OurType> = new Map(
  (["spawn", "eigr.functions.protocol", "eigr.spawn"] as const).flatMap((spelling) =>
    ["JSONType", "Noop"].map((name) => [`${URL_PREFIX}${spelling}.${name}`, { spelling, name }]),
  ),
);

function ourType(typeUrl: string): OurType | undefined {
  return usual.get(typeUrl) ?? (ours.exec(typeUrl)?.groups as OurType | undefined);
}

/** The spelling that a type URL shows; undefined for all but `JSONType` and `Noop`. */
export function spellingOf(typeUrl: string): Spelling | undefined {
  return ourType(typeUrl)?.spelling;
}

/** Whether a type URL says `JSONType`, in any spelling. */
export function isJsonType(typeUrl: string): boolean {
  return ourType(typeUrl)?.name === "JSONType";
}

/** Whether a type URL says `Noop`, in any spelling. */
export function isNoop(typeUrl: string): boolean {
  return ourType(typeUrl)?.name === "Noop";
}

/** `any` in this spelling. The same object when it is neither `JSONType` nor `Noop`, or has it already. */
export function respell(any: Any, spelling: Spelling): Any {
  const typeUrl = any.typeUrl.replace(ours, `$<prefix>${spelling}.$<name>`);
  return typeUrl === any.typeUrl ? any : { ...any, typeUrl };
}

const OLDER_STATE = "spawn-mesh/state-version-";

/** The type of a stored state of an older version, whose text is the value: its host brings it up to date. */
export function olderStateType(version: number): string {
  return `${OLDER_STATE}${version}`;
}

/** The version that the type of an older state says; `undefined` for every other type. */
export function olderStateVersion(typeUrl: string): number | undefined {
  return typeUrl.startsWith(OLDER_STATE) ? Number(typeUrl.slice(OLDER_STATE.length)) : undefined;
}

/** JSON text as an `Any` of `JSONType` in this spelling. */
export function wrapJson(text: string, spelling: Spelling): Any {
  return create(AnySchema, {
    typeUrl: `${URL_PREFIX}${spelling}.JSONType`,
    value: jsonTypeBytes(text),
  });
}

/**
 * The JSON text in an `Any`, as the host wrote it, valid or not; undefined when it is no `JSONType`.
 *
 * @throws SpawnError `INVALID_ARGUMENT` when it says `JSONType` and its bytes are none.
 */
export function jsonTextOf(any: Any): string | undefined {
  if (!isJsonType(any.typeUrl)) return undefined;
  try {
    return contentOf(any.value);
  } catch (error) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `An Any of type ${any.typeUrl} holds ${any.value.length} bytes that are no JSONType: ${describeThrown(error)}`,
      { cause: error },
    );
  }
}

/** Nearly always that is the one field, once, which needs no message to be made. */
function contentOf(jsonType: Uint8Array): string {
  const reader = new BinaryReader(jsonType);
  if (jsonType[0] === CONTENT_TAG) {
    reader.tag();
    const content = reader.string(true);
    if (reader.pos === reader.len) return content;
  }
  return fromBinary(JSONTypeSchema, jsonType).content;
}
