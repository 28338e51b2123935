/** Errors as answers: the status of the protocol, that of HTTP, and what can be said in headers. */
import type { ServerResponse } from "node:http";
import { create, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { SpawnError, errorCodes, isSpawnError } from "spawn-mesh/engine";
import {
  InvocationResponseSchema,
  RefusalSchema,
  RequestStatusSchema,
  Status,
} from "spawn-mesh/protocol";
import type { RequestStatus } from "spawn-mesh/protocol";
import { payloadOfValue } from "../wire-values.ts";

/** What is sent as the answer to a request. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
  /** Goes on with the body, which then has no known length, and ends it. */
  readonly stream?: (response: ServerResponse) => void;
}

const PROTOBUF = { "content-type": "application/octet-stream" };

/** The status of what went well, in a word that SDKs look for. */
export function okStatus(message: string): RequestStatus {
  return create(RequestStatusSchema, { status: Status.OK, message });
}

/** An answer of the protocol. */
export function protobufAnswer<Desc extends DescMessage>(
  schema: Desc,
  message: MessageInitShape<Desc>,
): Answer {
  return bytesAnswer(toBinary(schema, create(schema, message)));
}

/** An answer of the protocol, as the bytes of its message. */
export function bytesAnswer(body: Uint8Array): Answer {
  return { status: 200, headers: PROTOBUF, body };
}

/**
 * A failure as an answer of the protocol, whose field 1 is a status in every kind. What a status cannot
 * say is in two headers: the code, and whether the change of the action is stored. What the action gave
 * with its failure is the payload.
 */
export function failureAnswer(error: SpawnError): Answer {
  const { code, applied } = error;
  return {
    status: errorCodes[code].http,
    headers: { ...PROTOBUF, "spawn-error": code, "spawn-applied": applied },
    body: statusBody(error),
  };
}

/** The same as the body of an answer that has no headers. */
export function refusalBody(error: SpawnError): Uint8Array {
  const { code, applied } = error;
  const fields = toBinary(RefusalSchema, create(RefusalSchema, { code, applied }));
  return Buffer.concat([statusBody(error), fields]);
}

/** What an action refuses with `fail(…)` is no fault of the server: a client reads why, and nobody is called at night. */
const REFUSED_BY_ACTION = 422;

/** The status of HTTP for who speaks JSON. */
export function jsonStatusOf({ code, failure }: SpawnError): number {
  return failure === undefined ? errorCodes[code].http : REFUSED_BY_ACTION;
}

/** Whatever was thrown, as an error of the platform. */
export function asSpawnError(thrown: unknown): SpawnError {
  return isSpawnError(thrown)
    ? thrown
    : new SpawnError("INTERNAL", "the request could not be served", { cause: thrown });
}

/** All answers of the protocol have their status in field 1, so one body fits them all. */
function statusBody({ code, message, failure }: SpawnError): Uint8Array {
  const status = code === "ACTOR_NOT_FOUND" ? Status.ACTOR_NOT_FOUND : Status.ERROR;
  const given = failure && { payload: payloadOfValue(failure, "spawn") };
  return toBinary(
    InvocationResponseSchema,
    create(InvocationResponseSchema, { status: { status, message }, ...given }),
  );
}
