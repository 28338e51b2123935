/** Messages that wait, and those that were given up, with JSON: for the hosts that look after their actors. */
import type { ActorId, MessageOperations, MessageQuery, StoredMessage } from "spawn-mesh/engine";
import { SpawnError } from "spawn-mesh/engine";
import type { ActorSystems } from "../actors/actor-systems.ts";
import type { Answer } from "../http/answers.ts";
import { isJson, jsonAnswer, jsonRoute, notJson, valueOfBody } from "../http/json-answers.ts";
import type { Guard } from "../security/guard.ts";
import { checkHost, unauthorized } from "../security/identity.ts";
import type { Route, RouteRequest } from "../http/route.ts";

export interface StoredMessageParts {
  readonly systems: ActorSystems;
  readonly guard: Guard;
}

/** Messages of one page. */
const PAGE = 1_000;
/** Ids of one request. */
const IDS_MAX = 1_000;

/** `GET …/messages`, `GET …/messages/parked`, `POST …/messages/retry` and `POST …/messages/discard` */
export function storedMessageRoutes(parts: StoredMessageParts): readonly Route[] {
  const path = "/api/v1/system/:system/messages";
  const route = (method: "GET" | "POST", name: string, handle: Handle): Route =>
    jsonRoute({ method, path: `${path}${name}`, handle: (request) => handle(parts, request) });
  return [
    route("GET", "", (_, request) => list(parts, request, "list")),
    route("GET", "/parked", (_, request) => list(parts, request, "listParked")),
    route("POST", "/retry", (_, request) => decide(parts, request, "retry")),
    route("POST", "/discard", (_, request) => decide(parts, request, "discard")),
  ];
}

type Handle = (parts: StoredMessageParts, request: RouteRequest) => Promise<Answer>;

/** A page of those that the identity looks after; `next` asks for the page behind it. */
async function list(
  parts: StoredMessageParts,
  request: RouteRequest,
  which: "list" | "listParked",
): Promise<Answer> {
  const operations = operationsOf(parts, request);
  const page = await operations[which]({ ...pageOf(request.query.get("after")), limit: PAGE });
  const last = page.at(-1);
  const at = last && ("parkedAt" in last ? Number(last.parkedAt) : last.dueAt);
  const isLast = last === undefined || page.length < PAGE;
  return jsonAnswer({
    messages: page.filter((message) => isOwn(parts, request, message)).map(shown),
    ...(!isLast && { next: `${at},${last.id}` }),
  });
}

/** Delivers parked messages after all, or forgets them; answers the ids of those that were parked. */
async function decide(
  parts: StoredMessageParts,
  request: RouteRequest,
  what: "retry" | "discard",
): Promise<Answer> {
  if (!isJson(request)) return notJson();
  const operations = operationsOf(parts, request);
  const ids = idsIn(request.body);
  for (const message of await parkedAmong(ids, operations)) {
    if (isOwn(parts, request, message)) continue;
    throw unauthorized(`${request.identity.name} does not look after the message ${message.id}`);
  }
  return jsonAnswer({ ids: [...(await operations[what](...ids))] });
}

/** @throws {SpawnError} `UNAUTHORIZED` for clients, `ACTOR_NOT_FOUND` */
function operationsOf(
  { systems }: StoredMessageParts,
  { params, identity }: RouteRequest,
): MessageOperations {
  checkHost(identity, "look after messages");
  const { system = "" } = params;
  return systems.existing(system).engine.messages;
}

/** Whoever has the target decides about a message; who sent it does while nobody has that. */
function isOwn(
  { guard }: StoredMessageParts,
  { identity }: RouteRequest,
  { target, source }: Pick<StoredMessage, "target" | "source">,
): boolean {
  return guard.looksAfter(identity, source === undefined ? [target] : [target, source]);
}

async function parkedAmong(
  ids: readonly string[],
  operations: MessageOperations,
): Promise<readonly StoredMessage[]> {
  const wanted = new Set(ids);
  const found: StoredMessage[] = [];
  let after: MessageQuery["after"];
  for (;;) {
    const page = await operations.listParked({ after, limit: PAGE });
    found.push(...page.filter(({ id }) => wanted.has(id)));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE || found.length === wanted.size) return found;
    after = { at: last.parkedAt, id: last.id };
  }
}

/** What is told of a message: nothing of what it carries. */
function shown(message: StoredMessage & { readonly parkedAt?: number }): object {
  const { id, source, target, action, dueAt, sentAt, parkedAt, attempts, error } = message;
  const from: ActorId | null = source ?? null;
  return { id, source: from, target, action, sentAt, dueAt, parkedAt, attempts, error };
}

/** Where the page before ended: `AT,ID`. @throws {SpawnError} `INVALID_ARGUMENT` */
function pageOf(text: string | null): Pick<MessageQuery, "after"> {
  if (text === null || text === "") return {};
  const [, at, id] = /^(\d{1,16}),([\x21-\x7e]{1,128})$/.exec(text) ?? [];
  if (id !== undefined) return { after: { at: Number(at), id } };
  throw new SpawnError("INVALID_ARGUMENT", "after: expected what the page before has as next");
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
function idsIn(body: Uint8Array): readonly string[] {
  const { ids } = Object(valueOfBody(body)) as { readonly ids?: unknown };
  const areIds = Array.isArray(ids) && ids.every((id) => typeof id === "string");
  if (areIds && ids.length > 0 && ids.length <= IDS_MAX) return ids as readonly string[];
  throw new SpawnError("INVALID_ARGUMENT", `expected { ids } with 1 to ${IDS_MAX} ids of messages`);
}
