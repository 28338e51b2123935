/**
 * Values on their way between the wire and the engine.
 *
 * JSON, which hosts wrap in `JSONType`, is a JSON value in the engine and JSON text in the statestore, so
 * that an actor may be hosted in TypeScript today and in Python tomorrow. Only where it has a number that
 * JavaScript would round is it opaque, as every other `Any` is: type and bytes come out as they went in.
 * Whoever receives `JSONType` or `Noop` gets the spelling that its SDK knows.
 */
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import { OpaqueValue, SpawnError, isOpaqueText, textOfValue, valueOfText } from "spawn-mesh/engine";
import { NoopSchema, isNoop, jsonTextOf, respell, wrapJson } from "spawn-mesh/protocol";
import type { Spelling, WirePayload } from "spawn-mesh/protocol";

/** The payload that says explicitly that there is none. No `Any` has a type without a dot. */
export const NOOP: OpaqueValue = new OpaqueValue("noop", new Uint8Array(0));

/** What a timer calls its action with. */
export const NOOP_TEXT: string = textOfValue(NOOP);

const noop: WirePayload = { case: "noop", value: create(NoopSchema) };
const unset: WirePayload = { case: undefined };

/**
 * A payload as a value of the engine.
 *
 * @param what whose payload it is, for messages
 * @throws {SpawnError} `INVALID_ARGUMENT` when it says that it is JSON and is none
 */
export function valueOfPayload(payload: WirePayload, what: string): unknown {
  if (payload.case === undefined) return undefined;
  if (payload.case === "noop") return NOOP;
  const { typeUrl, value } = payload.value;
  const json = jsonTextOf(payload.value);
  if (json === undefined) return new OpaqueValue(typeUrl, value);
  return json === "" ? undefined : valueOfJsonText(json, what);
}

/** JSON as a value of the engine. @throws {SpawnError} `INVALID_ARGUMENT` when it is none */
export function valueOfJsonText(json: string, what: string): unknown {
  const value = parsed(json, what);
  if (!MAY_BE_ROUNDED.test(json) || isExact(json)) return value;
  const any = wrapJson(json, "spawn");
  return new OpaqueValue(any.typeUrl, any.value);
}

/** Text without one of these has no number beyond those that JavaScript holds. */
const MAY_BE_ROUNDED = /\d{16}|\d[eE]\+?\d{2}/;

function isExact(json: string): boolean {
  let isHeld = true;
  JSON.parse(json, (_key: string, value: unknown, token?: { readonly source?: string }) => {
    if (typeof value !== "number") return;
    const isFraction = /[.eE]/.test(token?.source ?? "");
    isHeld &&= isFraction ? Number.isFinite(value) : Number.isSafeInteger(value);
  });
  return isHeld;
}

/** A value of the engine as a payload, in the spelling of whoever receives it. */
export function payloadOfValue(value: unknown, spelling: Spelling): WirePayload {
  if (value === undefined) return unset;
  if (!(value instanceof OpaqueValue)) {
    return { case: "value", value: wrapJson(JSON.stringify(value), spelling) };
  }
  if (value.type === NOOP.type) return noop;
  return { case: "value", value: anyOf(value, spelling) };
}

/** The state of an actor that has none, as it is stored. */
export const NO_STATE = "null";

/**
 * A state as it is stored: JSON as the very text that came, anything else as an opaque value; `undefined`
 * for an `Any` that says nothing, which is how some SDKs leave a state out.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` when it says that it is JSON and is none
 */
export function textOfState(state: Any | undefined): string | undefined {
  if (state === undefined) return undefined;
  const json = jsonTextOf(state);
  if (json === undefined) {
    const isNothing = isNoop(state.typeUrl) || (state.typeUrl === "" && state.value.length === 0);
    return isNothing ? undefined : textOfValue(new OpaqueValue(state.typeUrl, state.value));
  }
  if (json === "") return undefined;
  parsed(json, "state");
  return json;
}

/** A stored state as its host gets it. */
export function stateOfText(text: string, spelling: Spelling): Any | undefined {
  if (text === NO_STATE) return undefined;
  if (!isOpaqueText(text)) return wrapJson(text, spelling);
  return anyOf(valueOfText(text) as OpaqueValue, spelling);
}

/** A stored state as a value of the engine. */
export function valueOfState(text: string): unknown {
  if (text === NO_STATE) return undefined;
  return isOpaqueText(text) ? valueOfText(text) : valueOfJsonText(text, "state");
}

function anyOf({ type, bytes }: OpaqueValue, spelling: Spelling): Any {
  return respell(create(AnySchema, { typeUrl: type, value: bytes }), spelling);
}

function parsed(json: string, what: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${what}: it says JSONType, and its ${json.length} characters are no JSON`,
    );
  }
}
