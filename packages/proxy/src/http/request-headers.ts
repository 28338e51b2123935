/** Single headers of a request. */
import type { IncomingHttpHeaders } from "node:http";

const KEY_HEADER = "idempotency-key";

/** A header as one text. */
export function one(headers: IncomingHttpHeaders, header: string): string | undefined {
  const value = headers[header];
  return typeof value === "object" ? value.join(", ") : value;
}

/** The idempotency key of a call with JSON. */
export function keyIn(headers: IncomingHttpHeaders): {
  readonly idempotencyKey: string | undefined;
} {
  return { idempotencyKey: one(headers, KEY_HEADER) };
}
