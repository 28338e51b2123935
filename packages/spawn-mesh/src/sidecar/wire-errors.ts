/**
 * Failures on their way through a sidecar.
 *
 * The protocol has a status with a message and nothing else. Our proxy says the code and whether the
 * change is stored in two headers, and what an action gave with its failure as the payload. An answer
 * without them, as the original Spawn gives it, is read as far as its words go, and says no more than is known.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { SpawnError, errorCodes, isSpawnError } from "../engine/errors.ts";
import type { Applied, ErrorCode, FailureValue, SpawnErrorOptions } from "../engine/errors.ts";
import { RefusalSchema, Status, decodeMessage } from "../protocol/index.ts";
import type { RequestStatus, WirePayload } from "../protocol/index.ts";
import type { HttpAnswer } from "./http-exchange.ts";
import { valueOfPayload } from "./wire-values.ts";

/** What an answer says about a failure. */
export interface FailedAnswer {
  readonly status?: Pick<RequestStatus, "status" | "message"> | undefined;
  readonly payload?: WirePayload;
}

/** The error of an answer that is no success. */
export function errorOfAnswer(http: HttpAnswer, answer: FailedAnswer = {}): SpawnError {
  const text = answer.status?.message ?? "";
  const code = codeIn(http.headers["spawn-error"]) ?? codeOfText(text) ?? codeOf(answer, text);
  const message = text.replace(`[${code}] `, "") || `the sidecar answered ${http.status}`;
  const failure = code === "ACTION_FAILED" ? failureIn(answer.payload) : undefined;
  return new SpawnError(code, message, {
    applied: appliedIn(http.headers["spawn-applied"]) ?? (NEVER_RAN.has(code) ? "no" : "unknown"),
    ...(failure && { failure }),
  });
}

/** What came over a stream as the answer of HTTP that would have said it. */
export function refusalOverStream(body: Buffer): HttpAnswer {
  const { code, applied } = decodeMessage(RefusalSchema, body);
  const { http: status } = errorCodes[codeIn(code) ?? "INTERNAL"];
  return { status, headers: { "spawn-error": code, "spawn-applied": applied }, body };
}

/** The message in an answer. @throws {SpawnError} what HTTP says when there is none */
export function decodedAnswer<Desc extends DescMessage>(
  schema: Desc,
  answer: HttpAnswer,
): MessageShape<Desc> {
  try {
    return decodeMessage(schema, answer.body);
  } catch {
    throw errorOfAnswer(answer);
  }
}

/** The error in `{ error: { code, message, applied } }`. */
function errorOfJson(answer: HttpAnswer): SpawnError {
  try {
    const { error } = JSON.parse(answer.body.toString()) as {
      readonly error: { readonly message: string };
    };
    return errorOfAnswer(answer, { status: { status: Status.ERROR, message: error.message } });
  } catch {
    return errorOfAnswer(answer);
  }
}

/** What is said in an answer. */
type Said = Readonly<Record<string, unknown>>;

/**
 * The object in an answer of JSON.
 *
 * @param isAnswer whether it is what was asked for: something between may answer everything with a page
 * @throws {SpawnError} what is said instead
 */
export function objectOfJson<Answer extends object>(
  answer: HttpAnswer,
  isAnswer: (said: Said) => boolean,
): Answer {
  if (answer.status !== 200) throw errorOfJson(answer);
  const said = Object(parsed(answer.body)) as Said;
  if (isAnswer(said)) return said as Answer;
  throw new SpawnError(
    "INTERNAL",
    "the sidecar answered 200 and something else than was asked for",
    {
      applied: "unknown",
    },
  );
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** The id in the answer to what was sent. @throws {SpawnError} */
export function idInJson(answer: HttpAnswer): string {
  return objectOfJson<{ readonly id: string }>(answer, ({ id }) => typeof id === "string").id;
}

/** What is certainly not applied, whoever says it. */
const NEVER_RAN: ReadonlySet<ErrorCode> = new Set(["ACTOR_NOT_FOUND", "ACTION_NOT_FOUND"]);

function codeIn(text: unknown): ErrorCode | undefined {
  return typeof text === "string" && Object.hasOwn(errorCodes, text)
    ? (text as ErrorCode)
    : undefined;
}

function codeOfText(text: string): ErrorCode | undefined {
  return codeIn(/^\[([A-Z_]+)\] /.exec(text)?.[1]);
}

function codeOf({ status }: FailedAnswer, text: string): ErrorCode {
  if (/^Action \[.*\] not found/s.test(text)) return "ACTION_NOT_FOUND";
  const isNobody = status?.status === Status.ACTOR_NOT_FOUND;
  if (isNobody || /^Actor .* not found/s.test(text)) return "ACTOR_NOT_FOUND";
  return status?.status === Status.ERROR ? "ACTION_FAILED" : "INTERNAL";
}

function appliedIn(text: unknown): Applied | undefined {
  return text === "yes" || text === "no" || text === "unknown" ? text : undefined;
}

function failureIn(payload: WirePayload | undefined): FailureValue | undefined {
  if (payload === undefined) return undefined;
  const given = valueOfPayload(payload, "failure") as Partial<FailureValue> | null | undefined;
  return typeof given?.code === "string" ? { code: given.code, data: given.data } : undefined;
}

/** A failed action as its host answers it: JSON in the payload, and no context. */
export interface HostFailure {
  readonly code: ErrorCode;
  /** Without the code in front of it. */
  readonly message: string;
  readonly failure?: FailureValue;
}

/** @param error of the run of an action */
export function hostFailureOf(error: unknown): HostFailure {
  const { code, message, failure } = isSpawnError(error)
    ? error
    : new SpawnError("INTERNAL", "the action could not be run", { cause: error });
  return { code, message: message.replace(`[${code}] `, ""), ...(failure && { failure }) };
}

/** What is said of a call that was not sent, and of one that a sidecar has not let in. */
const NOT_LET_IN: ReadonlySet<ErrorCode> = new Set([
  "NODE_UNAVAILABLE",
  "CANCELLED",
  "SHUTTING_DOWN",
  "OVERLOADED",
  "UNAUTHORIZED",
  ...NEVER_RAN,
]);

/** What is certain of a call that was not let in: with a key, an earlier call may have been applied. */
export function withKeyInDoubt(error: SpawnError, idempotencyKey: string | undefined): SpawnError {
  if (idempotencyKey === undefined || error.applied !== "no") return error;
  if (!NOT_LET_IN.has(error.code)) return error;
  const { retryable } = error;
  const options: SpawnErrorOptions = { applied: "unknown", retryable, cause: error };
  return new SpawnError(error.code, error.message.replace(`[${error.code}] `, ""), options);
}
