/** Who asks a proxy with tokens, and what a refusal looks like. */
import { Status } from "spawn-mesh/protocol";
import { expect } from "vitest";
import { one } from "../fixtures/counter.ts";
import type { InvocationInit, WireAnswer, WireClient } from "../fixtures/wire-client.ts";

export const PYTHON = "python-0123456789abcdef0123456789abcdef";
export const GO = "golang-0123456789abcdef0123456789abcdef";
export const WEB = "web-0123456789abcdef0123456789abcdef01";
export const TOKENS = `host python ${PYTHON}, host go ${GO}, client web ${WEB}`;

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
/** A client with that token. */
export const as = (client: WireClient, token: string): WireClient => client.with(bearer(token));
/** A call in the name of an actor. */
export const from = (name: string, more: object = {}): InvocationInit => ({
  ...one,
  caller: { name, system: "spawn-system", ...more },
});

/** What a refusal looks like, whatever was asked for. */
const refused = { "spawn-error": "UNAUTHORIZED", "spawn-applied": "no" };
export type Refusable = WireAnswer<{ readonly status?: { readonly status: Status } | undefined }>;
export function expectRefused({ status, headers, http }: Refusable, httpStatus = 403): void {
  expect({ http, status: status?.status }).toEqual({ http: httpStatus, status: Status.ERROR });
  expect(headers).toMatchObject(refused);
}
