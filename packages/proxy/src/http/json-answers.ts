/** Requests and answers in JSON, for those who speak nothing else. */
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { OpaqueValue, SpawnError } from "spawn-mesh/engine";
import { jsonOfValue, jsonTextOf, valueOfJson } from "spawn-mesh/protocol";
import { jsonStatusOf } from "./answers.ts";
import type { Answer } from "./answers.ts";
import type { Route, RouteRequest } from "./route.ts";
import { NOOP, valueOfJsonText } from "../wire-values.ts";

const JSON_TYPE = "application/json";
const JSON_HEADERS = { "content-type": `${JSON_TYPE}; charset=utf-8` };

/** A route whose failures are JSON too. */
export function jsonRoute(route: Route): Route {
  return { ...route, failure: (error) => jsonFailure(error) };
}

/** `200` with the value, or `204` when there is none. */
export function jsonAnswer(value: unknown): Answer {
  const body = jsonOf(value);
  return body === undefined
    ? { status: 204, headers: {}, body: "" }
    : { status: 200, headers: JSON_HEADERS, body };
}

/** A value of the engine as the text of JSON; `undefined` for one that says that there is none. */
export function jsonOf(value: unknown): string | undefined {
  return isNothing(value) ? undefined : (jsonIn(value) ?? JSON.stringify(jsonOfValue(value)));
}

/** The text of JSON that is carried as it is. */
function jsonIn(value: unknown): string | undefined {
  return value instanceof OpaqueValue ? jsonTextOf(create(AnySchema, value)) : undefined;
}

function isNothing(value: unknown): boolean {
  return value === undefined || (value instanceof OpaqueValue && value.type === NOOP.type);
}

/** `{ error: { code, message, applied, retryable } }`, with what the action gave if it failed by its own word. */
function jsonFailure(error: SpawnError, status: number = jsonStatusOf(error)): Answer {
  return {
    status,
    headers: { ...JSON_HEADERS, "spawn-error": error.code, "spawn-applied": error.applied },
    body: JSON.stringify({ error: describeError(error) }),
  };
}

/** What is told of an error. */
export function describeError({ code, message, applied, retryable, failure }: SpawnError): object {
  return { code, message: message.replace(`[${code}] `, ""), applied, retryable, failure };
}

/**
 * Whether the request says that it is JSON. One that does not may come from a page that somebody looks
 * at on this machine: browsers send other types wherever a page wants, and ask before they send this one.
 */
export function isJson({ headers }: RouteRequest): boolean {
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  return type === JSON_TYPE;
}

/** The answer to a request that is no JSON. */
export function notJson(): Answer {
  const message = `expected content-type: ${JSON_TYPE}, as curl --json sends it`;
  return jsonFailure(new SpawnError("INVALID_ARGUMENT", message), 415);
}

/** The value in a body; `undefined` for an empty one. @throws {SpawnError} `INVALID_ARGUMENT` */
export function valueOfBody(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    return valueOfJson(valueOfJsonText(text, "body"));
  } catch (cause) {
    throw new SpawnError("INVALID_ARGUMENT", "the body is no JSON", { cause });
  }
}
