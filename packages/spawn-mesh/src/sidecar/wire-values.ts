/**
 * Values on their way between this program and a sidecar: JSON as `JSONType`, protobuf messages as they
 * are. States are kept as text on both sides, so that what is compared is what is stored.
 */
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  OpaqueValue,
  SpawnError,
  isOpaqueText,
  textOfValue,
  valueOfText,
} from "../engine/index.ts";
import { isNoop, jsonTextOf, wrapJson } from "../protocol/index.ts";
import type { WirePayload } from "../protocol/index.ts";

/** How this SDK spells `JSONType`. */
const SPELLING = "spawn";
/** What SDKs send that have no payload but must send something. */
const EMPTY_TYPE = "/google.protobuf.Empty";

/** A value of the engine as a payload. */
export function payloadOfValue(value: unknown): WirePayload {
  return value === undefined
    ? { case: undefined }
    : { case: "value", value: anyOfText(textOfValue(value)) };
}

/** A payload as a value of the engine. @throws {SpawnError} `INVALID_ARGUMENT` */
export function valueOfPayload(payload: WirePayload, what: string): unknown {
  if (payload.case !== "value" || payload.value.typeUrl.endsWith(EMPTY_TYPE)) return undefined;
  const text = textOfAny(payload.value);
  if (text === undefined) return undefined;
  try {
    return valueOfText(text);
  } catch (cause) {
    throw new SpawnError("INVALID_ARGUMENT", `${what}: it says JSONType and is no JSON`, { cause });
  }
}

/** A value or state as its text; `undefined` for an `Any` that says that there is none. */
export function textOfAny(any: Any | undefined): string | undefined {
  if (any === undefined || isNoop(any.typeUrl)) return undefined;
  const json = jsonTextOf(any);
  if (json !== undefined) return json === "" ? undefined : json;
  if (any.typeUrl === "" && any.value.length === 0) return undefined;
  return textOfValue(new OpaqueValue(any.typeUrl, any.value));
}

/** The text of a value or state as it travels. */
export function anyOfText(text: string): Any {
  if (!isOpaqueText(text)) return wrapJson(text, SPELLING);
  const { type, bytes } = valueOfText(text) as OpaqueValue;
  return create(AnySchema, { typeUrl: type, value: bytes });
}
