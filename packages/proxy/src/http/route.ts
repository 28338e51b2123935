/** What is served at which path, and how a request finds it. */
import type { IncomingHttpHeaders } from "node:http";
import { SpawnError } from "spawn-mesh/engine";
import type { Identity } from "../security/identity.ts";
import type { Peer } from "../security/peer.ts";
import { failureAnswer } from "./answers.ts";
import type { Answer } from "./answers.ts";

/** A request with what its route has found in it. */
export interface RouteRequest {
  /** The parts of the path that the route names. */
  readonly params: Readonly<Record<string, string>>;
  /** What follows the `?` of the path. */
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  /** Who makes it. */
  readonly identity: Identity;
  /** Where it comes from. */
  readonly peer: Peer;
}

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** `/health`, `/system/:system`: a part that begins with a colon is a parameter. */
  readonly path: string;
  /** Whether it answers without asking who makes the request. */
  readonly isPublic?: boolean;
  handle(request: RouteRequest): Answer | Promise<Answer>;
  /** How a failure is told. Default: as an answer of the protocol. */
  readonly failure?: (error: SpawnError) => Answer;
}

const NOT_FOUND: Answer = {
  status: 404,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: "Not found!",
};

/** A route with its path taken apart. */
export interface CompiledRoute extends Route {
  readonly parts: readonly string[];
  /** The names of the parameters, and which part of the path each is. */
  readonly params: readonly (readonly [name: string, part: number])[];
}

export function compiled(route: Route): CompiledRoute {
  const parts = route.path.split("/");
  const params = [...parts.entries()]
    .filter(([, part]) => part.startsWith(":"))
    .map(([index, part]) => [part.slice(1), index] as const);
  return { ...route, parts, params };
}

export function matches({ parts: wanted }: CompiledRoute, parts: readonly string[]): boolean {
  if (parts.length !== wanted.length) return false;
  return wanted.every((part, index) => part.startsWith(":") || part === parts[index]);
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function paramsOf(
  route: CompiledRoute,
  parts: readonly string[],
): Readonly<Record<string, string>> {
  const params: Record<string, string> = {};
  for (const [name, index] of route.params) params[name] = decodedPart(parts[index]!);
  return params;
}

function decodedPart(part: string): string {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    throw new SpawnError("INVALID_ARGUMENT", "the path is not percent-encoded UTF-8");
  }
}

/** The answer to a request without a route. @param routes those that there are for the path */
export function noRoute(routes: readonly Route[]): Answer {
  if (routes.length === 0) return NOT_FOUND;
  const methods = routes.map(({ method }) => method).join(", ");
  const { headers, ...refusal } = failureAnswer(
    new SpawnError("INVALID_ARGUMENT", `the path is there for ${methods} only`),
  );
  return { ...refusal, status: 405, headers: { ...headers, allow: methods } };
}
