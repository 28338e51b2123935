/** Calls of actions through a sidecar. */
import { formatActorId } from "../engine/actor-id.ts";
import {
  besideKey,
  checkOptions,
  checkRequest,
  copyMetadata,
  isScheduled,
  scheduledMessage,
} from "../engine/calls/call-options.ts";
import {
  DEADLINE_MS_DEFAULT,
  SpawnError,
  TIMEOUT_MS_MAX,
  checkName,
  defaultLimits,
  isSpawnError,
} from "../engine/index.ts";
import type { ActorId, CallOptions, InvokeRequest, SendRequest } from "../engine/index.ts";
import { errorAt } from "../engine/errors.ts";
import { copyBounded } from "../engine/values/values.ts";
import {
  InvocationResponseSchema,
  Status,
  callBytes,
  jsonOfValue,
  wireIdOf,
} from "../protocol/index.ts";
import type { HttpAnswer, HttpExchange } from "./http-exchange.ts";
import { checkSendOverWire } from "./over-the-wire.ts";
import type { StreamAnswer, StreamCalls } from "./stream/stream-calls.ts";
import {
  decodedAnswer,
  errorOfAnswer,
  idInJson,
  refusalOverStream,
  withKeyInDoubt,
} from "./wire-errors.ts";
import { payloadOfValue, valueOfPayload } from "./wire-values.ts";

/** The action that makes a call. */
export interface CallingRun {
  readonly self: ActorId;
  /** What the sidecar calls the run; it knows its deadline, and who waits for it. Empty if it has no name for it. */
  readonly runId: string;
}

/** The id of a message when nobody tells it. */
export const UNKNOWN_ID = "";

/** How much longer than its deadline a call is waited for: the sidecar knows better how it ended. */
const ANSWER_GRACE_MS = 5_000;

/** How much of its time a call waits for a stream that is being opened, at the most. */
const STREAM_TIME_SHARE = 0.5;

/** Metadata that says how a call is to be made; the protocol has no other place for it. */
const TIMEOUT_KEY = "request-timeout";
const IDEMPOTENCY_KEY = "idempotency-key";

/** How a sidecar is reached. */
export interface SidecarWays {
  readonly http: HttpExchange;
  /** What calls take when there is one; everything else is a request of HTTP. */
  readonly stream: StreamCalls | undefined;
  /** Whether calls wait for no other ones. */
  readonly isUrgent?: boolean;
}

export class SidecarCalls {
  readonly #http: HttpExchange;
  readonly #ways: SidecarWays;
  readonly #system: string | undefined;
  /** Whether the sidecar is known to speak the protocol and no more. */
  #isForeign = false;

  /** @param system of whoever names none */
  constructor(ways: SidecarWays, system: string | undefined) {
    this.#http = ways.http;
    this.#ways = ways;
    this.#system = system;
  }

  /** Calls an action and waits for the answer. @throws {SpawnError} */
  async invoke(name: string, request: InvokeRequest, run?: CallingRun): Promise<unknown> {
    const { action, payload, definition = name, system, ...options } = checkRequest(request);
    const target = this.#target({ system, definition, name });
    checkName("action", action);
    told(target, action, () => checkOptions(options));
    if (isScheduled(options)) {
      await this.send(name, scheduledMessage(request));
      return undefined;
    }
    const { idempotencyKey, signal, metadata } = options;
    const parts = told(target, action, () => ({
      action,
      payload: copyBounded(payload, "payload", defaultLimits.payloadBytesMax),
      run,
      async: options.async,
      metadata: {
        ...(metadata && besideKey(options, () => ownMetadata(metadata))),
        ...(idempotencyKey !== undefined && { [IDEMPOTENCY_KEY]: idempotencyKey }),
      },
    }));
    try {
      const isOpen = this.#ways.stream?.isOpen ?? true;
      const deadlineMs = isOpen ? options.deadlineMs : await this.#leftWhenOpen(options);
      const body = requestBody(target, { ...parts, deadlineMs });
      return await this.#post(target, body, { signal, deadlineMs });
    } catch (error) {
      throw isSpawnError(error) ? withKeyInDoubt(error, idempotencyKey) : error;
    }
  }

  /**
   * Has a message stored, and answers its id: an empty one when the sidecar tells none.
   *
   * @throws {SpawnError}
   */
  async send(name: string, request: SendRequest): Promise<string> {
    const { action, definition = name, system } = request;
    const target = this.#target({ system, definition, name });
    checkName("action", action);
    const payload = copyBounded(request.payload, "payload", defaultLimits.payloadBytesMax);
    const id = this.#isForeign
      ? undefined
      : await this.#sendAsJson(target, { ...request, payload });
    if (id !== undefined) return id;
    this.#isForeign = true;
    await this.#sendByProtocol(target, { ...request, payload });
    return UNKNOWN_ID;
  }

  /** Asks whether the sidecar speaks the protocol and no more. @throws {SpawnError} */
  async isForeign(): Promise<boolean> {
    const answer = await this.#http.send({
      method: "POST",
      path: `/api/v1/system/${encodeURIComponent(this.#system ?? "")}/messages`,
      headers: { "content-type": "application/json" },
      body: "{}",
      timeoutMs: DEADLINE_MS_DEFAULT,
    });
    this.#isForeign = isUnknownRoute(answer);
    return this.#isForeign;
  }

  /** `undefined` when the sidecar does not know how. */
  async #sendAsJson(
    { system, definition, name }: ActorId,
    request: SendRequest,
  ): Promise<string | undefined> {
    const answer = await this.#http.send({
      method: "POST",
      path: `/api/v1/system/${encodeURIComponent(system)}/messages`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ...request,
        system: undefined,
        name,
        definition,
        payload: jsonOfValue(request.payload),
      }),
      timeoutMs: DEADLINE_MS_DEFAULT,
    });
    return isUnknownRoute(answer) ? undefined : idInJson(answer);
  }

  async #sendByProtocol(target: ActorId, request: SendRequest): Promise<void> {
    checkSendOverWire(request);
    const { action, payload, delayMs, scheduledTo, metadata } = request;
    const at = scheduledTo ?? Date.now() + (delayMs ?? 0);
    const body = requestBody(target, {
      action,
      payload,
      run: undefined,
      async: true,
      scheduledTo: Math.max(at, EARLIEST_MS),
      ...(metadata && { metadata: ownMetadata(metadata) }),
    });
    await this.#post(target, body, {});
  }

  #target({
    system = this.#system,
    definition,
    name,
  }: NamedActor & { readonly system: string | undefined }): ActorId {
    if (system === undefined) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        "expected the name of a system, in the request or as an option of connect",
      );
    }
    checkName("system", system);
    checkName("definition", definition);
    checkName("actor", name);
    return { system, definition, name };
  }

  /** Has the stream opened, which is soon or not at all, and answers what is then left of the call's time. */
  async #leftWhenOpen({ signal, deadlineMs }: CallOptions): Promise<number | undefined> {
    const begunAt = performance.now();
    const patienceMs = (deadlineMs ?? DEADLINE_MS_DEFAULT) * STREAM_TIME_SHARE;
    await this.#ways.stream!.open(patienceMs, signal);
    if (deadlineMs === undefined) return undefined;
    return Math.max(1, Math.floor(deadlineMs - (performance.now() - begunAt)));
  }

  async #post(
    { system, name }: ActorId,
    body: Uint8Array,
    options: Pick<InvokeRequest, "signal" | "deadlineMs">,
  ): Promise<unknown> {
    const { signal, deadlineMs = DEADLINE_MS_DEFAULT } = options;
    const timeoutMs = Math.min(deadlineMs + ANSWER_GRACE_MS, TIMEOUT_MS_MAX);
    const { stream, isUrgent = false } = this.#ways;
    const streamed = await stream?.call(body, { signal, timeoutMs, isUrgent });
    if (streamed !== undefined) return valueOfStreamed(streamed);
    const path = `/api/v1/system/${encodeURIComponent(system)}/actors/${encodeURIComponent(name)}/invoke`;
    const answer = await this.#http.send({
      method: "POST",
      path,
      headers: { "content-type": "application/octet-stream" },
      body,
      signal,
      timeoutMs,
    });
    return valueOfAnswer(answer);
  }
}

/** Whoever gave a wrong value or option has to find the call among many. */
function told<Checked>(target: ActorId, action: string, check: () => Checked): Checked {
  try {
    return check();
  } catch (error) {
    throw isSpawnError(error) ? errorAt(`${formatActorId(target)} ${action}`, error) : error;
  }
}

/** Whether the sidecar knows no such request. What a gateway says of one that fails may be said of one that was done. */
function isUnknownRoute({ status, headers }: HttpAnswer): boolean {
  const isOurs = headers["spawn-error"] !== undefined;
  return !isOurs && (status === 404 || status === 405);
}

type NamedActor = Pick<ActorId, "definition" | "name">;

/** What is older than this is taken for a delay. */
const EARLIEST_MS = 100_000_000_000;

interface RequestParts {
  readonly action: string;
  /** Nobody else's. */
  readonly payload: unknown;
  readonly run: CallingRun | undefined;
  readonly async: boolean | undefined;
  readonly scheduledTo?: number;
  readonly deadlineMs?: number | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
}

function requestBody(target: ActorId, parts: RequestParts): Uint8Array {
  const { action, payload, run, scheduledTo = 0, deadlineMs, metadata = {} } = parts;
  const { definition, name } = target;
  return callBytes({
    actor: wireIdOf(target),
    registerRef: definition === name ? "" : definition,
    actionName: action,
    payload: payloadOfValue(payload),
    isAsync: parts.async ?? false,
    scheduledTo,
    metadata: deadlineMs === undefined ? metadata : { ...metadata, [TIMEOUT_KEY]: `${deadlineMs}` },
    caller: run && wireIdOf(run.self),
    runId: run?.runId ?? "",
  });
}

/** @throws {SpawnError} `INVALID_ARGUMENT` for metadata that would be an option on the wire */
function ownMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const copied = copyMetadata(metadata, defaultLimits.metadataBytesMax);
  for (const key of [TIMEOUT_KEY, IDEMPOTENCY_KEY]) {
    if (!Object.hasOwn(copied, key)) continue;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `metadata ${key}: it means an option on the wire; use deadlineMs or idempotencyKey`,
    );
  }
  return copied;
}

/** The metadata of a call without what is an option of it. */
export function metadataOfCall(
  metadata: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const { [TIMEOUT_KEY]: _, [IDEMPOTENCY_KEY]: __, ...own } = metadata;
  return Object.freeze(own);
}

function valueOfStreamed({ isDone, body }: StreamAnswer): unknown {
  return valueOfAnswer(isDone ? { status: 200, headers: {}, body } : refusalOverStream(body));
}

function valueOfAnswer(answer: HttpAnswer): unknown {
  const response = decodedAnswer(InvocationResponseSchema, answer);
  if (response.status?.status !== Status.OK) throw errorOfAnswer(answer, response);
  return valueOfPayload(response.payload, "reply");
}
