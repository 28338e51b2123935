/** What a client of plain HTTP learns of an error. */
import type { ErrorCode, SpawnError } from "spawn-mesh/engine";
import { asSpawnError, jsonStatusOf } from "../../http/answers.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that HTTP itself has a status for, and none of our codes has. */
export class HttpRefusal extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    { code = "INVALID_ARGUMENT", headers = {} }: RefusalDetails = {},
  ) {
    super(`[${code}] ${message}`);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

interface RefusalDetails {
  readonly code?: ErrorCode;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The answer to any thrown value. */
export function answerToError(thrown: unknown): HttpAnswer {
  if (thrown instanceof HttpRefusal) {
    const { status, headers, code, message } = thrown;
    return answer(status, headers, { code, message, applied: "no", retryable: false });
  }
  const error = asSpawnError(thrown);
  return answer(jsonStatusOf(error), {}, factsOf(error));
}

function factsOf({ code, message, applied, retryable, failure }: SpawnError): object {
  return { code, message, applied, retryable, ...(failure && { failure }) };
}

function answer(status: number, headers: HttpAnswer["headers"], body: object): HttpAnswer {
  return {
    status,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}
