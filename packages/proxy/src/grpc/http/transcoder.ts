/**
 * Answers HTTP requests with JSON by the methods of services, as their `google.api.http` options say.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import {
  fromBinary,
  toBinary,
  toJson,
  type DescField,
  type JsonValue,
  type Registry,
} from "@bufbuild/protobuf";
import { SpawnError, TIMEOUT_MS_MAX } from "spawn-mesh/engine";
import { readBody } from "../../request-body.ts";
import type { Refusal } from "../../security/guard.ts";
import { NOBODY } from "../../security/identity.ts";
import type { Identity } from "../../security/identity.ts";
import type { UnreadAnswers } from "../../unread-answers.ts";
import { metadataOfHttp, parseGrpcTimeout } from "../request-metadata.ts";
import type { RequestFacts, ServedMethod } from "../served-method.ts";
import type { HttpBinding } from "./http-bindings.ts";
import { answerToError, HttpRefusal, type HttpAnswer } from "./http-refusal.ts";
import { HttpRoutes, type Route } from "./http-routes.ts";
import { requestMessage } from "./request-message.ts";

export interface TranscoderOptions {
  readonly methods: readonly ServedMethod[];
  /** The types that an `Any` in JSON may name. */
  readonly registry: Registry;
  /** Larger bodies are refused. */
  readonly bodyBytesMax: number;
  readonly unread: UnreadAnswers;
  /** Whether a connection ends with its next answer. */
  readonly isClosing: (request: IncomingMessage) => boolean;
  /** Who makes a request, or why it is refused. */
  readonly authorize: (request: IncomingMessage) => Identity | Refusal;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` for an option that makes no sense */
export function transcoder(options: TranscoderOptions): RequestListener {
  const routes = new HttpRoutes(options.methods);
  return (request, response) => {
    void respond(request, response, { routes, options });
  };
}

interface Surroundings {
  readonly routes: HttpRoutes;
  readonly options: TranscoderOptions;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { routes, options }: Surroundings,
): Promise<void> {
  const cancellation = new AbortController();
  let reply: HttpAnswer;
  response.once("close", () => cancellation.abort());
  try {
    const [path = "", query = ""] = (request.url ?? "").split(/\?(.*)/s);
    const route = findRoute(routes, request.method ?? "", path);
    const identity =
      route.binding.served.isPublic === true ? NOBODY : identityOf(options.authorize(request));
    const facts = { ...factsOf(request, cancellation.signal), identity };
    const body = await readText(request, options.bodyBytesMax);
    reply = await answer({ route, facts, query, body }, options.registry);
  } catch (error) {
    reply = answerToError(error);
  }
  send(response, reply, hasUnreadBody(request) || options.isClosing(request));
  options.unread.watch(response);
}

/** @throws {HttpRefusal} */
function identityOf(answer: Identity | Refusal): Identity {
  if (!("refusal" in answer)) return answer;
  const { code, message } = answer.refusal;
  const text = message.slice(`[${code}] `.length);
  throw new HttpRefusal(401, text, { code, headers: { "www-authenticate": "Bearer" } });
}

function findRoute(routes: HttpRoutes, httpMethod: string, path: string): Route {
  const found = routes.find(httpMethod, path);
  if ("binding" in found) return found;
  const what = `${httpMethod} ${path.slice(0, 200)}`;
  if (found.allowed.length === 0) {
    throw new HttpRefusal(404, `nothing is served at ${what}`, { code: "ACTION_NOT_FOUND" });
  }
  const allow = found.allowed.join(", ");
  throw new HttpRefusal(405, `${what}: expected ${allow}`, { headers: { allow } });
}

interface Request {
  readonly route: Route;
  readonly facts: RequestFacts;
  readonly query: string;
  readonly body: string;
}

async function answer(request: Request, registry: Registry): Promise<HttpAnswer> {
  const { route, facts, query, body } = request;
  const { binding, variables } = route;
  const { served } = binding;
  const { method } = served;
  if (method.methodKind !== "unary") {
    throw new HttpRefusal(501, `${method.parent.typeName}.${method.name} is a stream: use gRPC`, {
      code: "ACTION_NOT_FOUND",
    });
  }
  const message = requestMessage(binding, { variables, query, body }, registry);
  const reply = await served.answer(toBinary(method.input, message), facts);
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(replyJson(binding, reply, registry)),
  };
}

/** Fields that are zero or empty are written too: a counter at 0 answers 0. */
function replyJson(
  { served, responseBody }: HttpBinding,
  reply: Uint8Array,
  registry: Registry,
): JsonValue {
  const { output } = served.method;
  try {
    const json = toJson(output, fromBinary(output, reply), { registry, alwaysEmitImplicit: true });
    return responseBody === undefined ? json : fieldOf(json, responseBody);
  } catch (error) {
    throw new SpawnError("ACTION_FAILED", `the reply has no JSON form: ${String(error)}`, {
      applied: "yes",
      cause: error,
    });
  }
}

function fieldOf(json: JsonValue, { jsonName }: DescField): JsonValue {
  const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
  return (isObject ? json[jsonName] : undefined) ?? null;
}

function factsOf(request: IncomingMessage, signal: AbortSignal): Omit<RequestFacts, "identity"> {
  const timeout = request.headers["grpc-timeout"];
  return {
    metadata: metadataOfHttp(headersOf(request)),
    deadlineMs: timeout === undefined ? undefined : deadlineMsOf(String(timeout)),
    signal,
  };
}

function deadlineMsOf(timeout: string): number {
  const deadlineMs = parseGrpcTimeout(timeout);
  if (deadlineMs === undefined) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `the header grpc-timeout: expected up to 8 digits and one of H M S m u n, got ${JSON.stringify(timeout.slice(0, 50))}`,
    );
  }
  if (deadlineMs > 0) return Math.min(deadlineMs, TIMEOUT_MS_MAX);
  throw new SpawnError("DEADLINE_EXCEEDED", "the deadline passed before the action could begin");
}

function* headersOf({ rawHeaders }: IncomingMessage): Iterable<readonly [string, string]> {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    yield [rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""];
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

async function readText(request: IncomingMessage, bytesMax: number): Promise<string> {
  const body = await readBody(request, bytesMax);
  if (body.length > 0) checkContentType(request);
  try {
    return utf8.decode(body);
  } catch (error) {
    throw new SpawnError("INVALID_ARGUMENT", "the body is no UTF-8 text", { cause: error });
  }
}

function checkContentType({ headers }: IncomingMessage): void {
  const type = headers["content-type"] ?? "";
  const encoding = headers["content-encoding"] ?? "identity";
  const isJson = /^application\/(?:[\w.+-]+\+)?json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type);
  if (isJson && encoding === "identity") return;
  throw new HttpRefusal(
    415,
    `expected content-type: application/json, not compressed; got ${JSON.stringify(`${type} ${encoding}`.slice(0, 100))}`,
  );
}

/** What is left of a body would be taken for the next request. */
function hasUnreadBody({ complete, headers }: IncomingMessage): boolean {
  const hasBody = (headers["content-length"] ?? "0") !== "0" || "transfer-encoding" in headers;
  return hasBody && !complete;
}

/** @param isLast whether the connection ends with it */
function send(
  response: ServerResponse,
  { status, headers, body }: HttpAnswer,
  isLast: boolean,
): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    ...headers,
    "content-length": Buffer.byteLength(body),
    ...(isLast && { connection: "close" }),
  });
  response.end(body);
}
