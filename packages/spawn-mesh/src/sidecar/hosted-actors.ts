/** The actors of this program, as a sidecar calls them: requests and answers of the protocol. */
import { create, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { SpawnError } from "../engine/index.ts";
import type {
  ActionDefinition,
  ActorDefinition,
  ActorId,
  ExternalFunction,
  InvokeRequest,
} from "../engine/index.ts";
import { CHANNEL, EXTERNAL } from "../engine/messages/sending.ts";
import type { Outgoing } from "../engine/messages/sending.ts";
import type { Run } from "../engine/activations/run.ts";
import {
  ActorInvocationResponseSchema,
  ActorInvocationSchema,
  OutcomeSchema,
  WorkflowSchema,
  decodeMessage,
  hostAnswerBytes,
  olderStateVersion,
  runIn,
  actorIdOf,
  wireIdOf,
} from "../protocol/index.ts";
import type { ActorInvocation, SentSchema } from "../protocol/index.ts";
import { callFunction, functionCallIn } from "./hosted-external.ts";
import { runHosted } from "./hosted-run.ts";
import type {
  HostedInvocation,
  HostedOutcome,
  HostedOutgoing,
  HostedRunParts,
} from "./hosted-run.ts";
import { INIT_ACTION, notOverWire } from "./over-the-wire.ts";
import { metadataOfCall } from "./sidecar-calls.ts";
import type { CallingRun } from "./sidecar-calls.ts";
import { hostFailureOf } from "./wire-errors.ts";
import { anyOfText, payloadOfValue, textOfAny, valueOfPayload } from "./wire-values.ts";

/** An answer, and whether the action did what it was asked. */
export interface HostedAnswer {
  readonly isOk: boolean;
  readonly body: Uint8Array;
}

/** What runs need of the program around them. */
export interface HostedActorsParts extends Omit<HostedRunParts, "call"> {
  /** The functions outside of actors, by name. */
  readonly externals: ReadonlyMap<string, ExternalFunction>;
  /** A call that a run makes. */
  readonly callFrom: (run: CallingRun, name: string, request: InvokeRequest) => Promise<unknown>;
}

export class HostedActors {
  readonly #definitions: ReadonlyMap<string, ActorDefinition>;
  readonly #parts: HostedActorsParts;

  constructor(definitions: ReadonlyMap<string, ActorDefinition>, parts: HostedActorsParts) {
    this.#definitions = definitions;
    this.#parts = parts;
  }

  /**
   * Runs what is asked for; never throws, every failure is an answer.
   *
   * @param signal aborts when nobody waits for the answer any more
   */
  async answer(body: Uint8Array, signal: AbortSignal): Promise<HostedAnswer> {
    try {
      const request = decodeMessage(ActorInvocationSchema, body);
      const { id: runId, revision } = runIn(request);
      const isUnderstood = runId !== "";
      const called = isUnderstood ? undefined : functionCallIn(request);
      if (called !== undefined) {
        const { externals } = this.#parts;
        return { isOk: true, body: await callFunction(externals, { request, called }, signal) };
      }
      const told = { revision, isUnderstood, signal };
      const invocation = { ...this.#read(request), ...told };
      const outcome = await runHosted(invocation, {
        ...this.#parts,
        call: (self, name, called) => this.#parts.callFrom({ self, runId }, name, called),
      });
      return { isOk: true, body: successOf(invocation, outcome) };
    } catch (error) {
      return { isOk: false, body: failureOf(error) };
    }
  }

  #read(
    invocation: ActorInvocation,
  ): Omit<HostedInvocation, "revision" | "isUnderstood" | "signal"> {
    const { actor, actionName, currentContext: context, payload } = invocation;
    const { name = "", system = "", parent = "" } = actor ?? {};
    const definition = this.#definitions.get(parent) ?? this.#definitions.get(name);
    if (definition === undefined) {
      throw new SpawnError("ACTOR_NOT_FOUND", `Actor ${name} is not hosted by this program`);
    }
    const action = actionOf(definition, actionName);
    if (action === undefined) {
      throw new SpawnError(
        "ACTION_NOT_FOUND",
        `Action [${actionName}] not found for Actor [${name}]`,
      );
    }
    const caller = invocation.caller ?? context?.caller;
    return {
      definition,
      id: { system, definition: definition.name, name },
      action,
      payload: valueOfPayload(payload, "payload"),
      ...(definition.state === undefined ? NO_STATE : storedState(context?.state)),
      tags: Object.freeze({ ...context?.tags }),
      caller: caller && actorIdOf(caller),
      metadata: metadataOfCall(context?.metadata ?? {}),
    };
  }
}

const NO_STATE = { stateText: undefined, olderVersion: undefined };

/** The state as it is stored: of an older version it is the very text. */
function storedState(any: Any | undefined): Pick<HostedInvocation, "stateText" | "olderVersion"> {
  const olderVersion = any && olderStateVersion(any.typeUrl);
  if (olderVersion === undefined) return { stateText: textOfAny(any), olderVersion };
  return { stateText: Buffer.from(any!.value).toString(), olderVersion };
}

function actionOf(definition: ActorDefinition, name: string): ActionDefinition | undefined {
  const own = definition.actions.get(name);
  if (own !== undefined || name !== INIT_ACTION) return own;
  const { init, state } = definition;
  return {
    name: INIT_ACTION,
    isRead: false,
    parse: undefined,
    run(context, payload) {
      // Looking at the state makes the first one.
      if (state !== undefined) void context.state;
      return init?.(context, payload);
    },
  };
}

function successOf(invocation: HostedInvocation, outcome: HostedOutcome): Uint8Array {
  const { id, isUnderstood } = invocation;
  const { run, reply, stateText, tags } = outcome;
  const workflow = workflowOf(invocation, run);
  const response = hostAnswerBytes({
    actorName: id.name,
    actorSystem: id.system,
    state: stateText === undefined ? undefined : anyOfText(stateText),
    tags,
    payload: payloadOfValue(reply),
    workflow: workflow && toBinary(WorkflowSchema, create(WorkflowSchema, workflow)),
    isCheckpoint: run.isCheckpoint,
  });
  const further = isUnderstood ? furtherOf(outcome) : undefined;
  if (further === undefined) return response;
  return Buffer.concat([response, toBinary(OutcomeSchema, create(OutcomeSchema, further))]);
}

/** What the protocol has no words for; `undefined` if there is nothing of it. */
function furtherOf({
  run,
  tags,
  index = "",
}: HostedOutcome): MessageInitShape<typeof OutcomeSchema> | undefined {
  const { sends, cancels = [], newTags } = run;
  const clearsTags = newTags !== undefined && Object.keys(tags).length === 0;
  const isEmpty = sends === undefined && cancels.length === 0 && !clearsTags && index === "";
  if (isEmpty) return undefined;
  const sent = ((sends ?? []) as unknown as readonly HostedOutgoing[]).map((message) =>
    sentOf(message),
  );
  return { sent, cancelled: cancels, clearsTags, index };
}

function sentOf({
  target,
  action,
  payload,
  request,
}: HostedOutgoing): MessageInitShape<typeof SentSchema> {
  const any = payload === null ? undefined : { payload: anyOfText(payload) };
  if (request === undefined) return { channel: target.name, ...any };
  const { system, definition, action: _, payload: __, ...given } = request;
  const options = JSON.stringify(given);
  if (definition === EXTERNAL) return { external: target.name, ...any, options };
  return {
    ...(system !== undefined && { system }),
    ...(definition !== undefined && { definition }),
    name: target.name,
    action,
    ...any,
    options,
  };
}

/** The answer to a run that failed. */
export function failureOf(error: unknown): Uint8Array {
  const payload = payloadOfValue(hostFailureOf(error));
  return toBinary(
    ActorInvocationResponseSchema,
    create(ActorInvocationResponseSchema, { payload }),
  );
}

type WorkflowInit = MessageInitShape<typeof WorkflowSchema>;

/** What is sent in the words of the protocol; `undefined` if that is nothing. */
function workflowOf({ id, isUnderstood }: HostedInvocation, run: Run): WorkflowInit | undefined {
  const sends = isUnderstood ? undefined : run.sends;
  if (run.routing === undefined && sends === undefined) return undefined;
  return { ...effectsOf(id, sends ?? []), ...routingOf(id, run) };
}

function routingOf(id: ActorId, { routing }: Run): Pick<WorkflowInit, "routing"> {
  if (routing === undefined) return {};
  return { routing: { case: routing.kind, value: routeOf(id, routing) } };
}

function effectsOf(
  id: ActorId,
  sends: readonly Outgoing[],
): Pick<WorkflowInit, "effects" | "broadcast"> {
  const broadcast = sends.find(({ target }) => target.definition === CHANNEL);
  return {
    effects: sends
      .filter((sent) => sent !== broadcast)
      .map((sent) => ({ request: effectOf(id, sent) })),
    ...(broadcast && {
      broadcast: {
        channelGroup: broadcast.target.name,
        payload: payloadOfText(broadcast.payload),
      },
    }),
  };
}

function effectOf(
  source: ActorId,
  { target, action, payload, headers, dueAt }: Outgoing,
): NonNullable<WorkflowInit["effects"]>[number]["request"] {
  return {
    system: { name: target.system },
    actor: { id: wireIdOf(target) },
    actionName: action,
    payload: payloadOfText(payload),
    async: true,
    caller: wireIdOf(source),
    metadata: { ...headers.metadata },
    scheduledTo: BigInt(dueAt ?? 0),
    registerRef: target.definition === target.name ? "" : target.definition,
  };
}

function routeOf(
  { system: own }: ActorId,
  { kind, name, request }: NonNullable<Run["routing"]>,
): { readonly actor: string; readonly actionName: string; readonly registerRef: string } {
  const { system = own, definition = name, action } = request;
  if (system !== own)
    throw notOverWire(`a ${kind} to another system`, "call it, or use ctx.effect");
  return { actor: name, actionName: action, registerRef: definition === name ? "" : definition };
}

function payloadOfText(text: string | null): ReturnType<typeof payloadOfValue> {
  return text === null ? { case: undefined } : { case: "value", value: anyOfText(text) };
}
