/**
 * Runs an action of an actor at its host: the state goes there with the payload, and comes back with the
 * answer. Nothing that the host answers counts before it is understood as a whole.
 */
import type { ActionContext, ActorId } from "spawn-mesh/engine";
import { invocationBytes, isJsonType, isNoop, wireIdOf } from "spawn-mesh/protocol";
import type { ActorInvocationResponse, Context, Outcome } from "spawn-mesh/protocol";
import { askHosts } from "../host/ask-hosts.ts";
import type { HostCall, HostProgram } from "../host/host-program.ts";
import { NOOP, payloadOfValue, stateOfText, textOfState, valueOfPayload } from "../wire-values.ts";
import type { Directory } from "./directory.ts";
import { checkAnswerer, understood } from "./host-failure.ts";
import { HostedState } from "./hosted-state.ts";
import { applyOutcome, indexIn, outcomeOf } from "./outcome-of-host.ts";
import { RunAtHost } from "./runs-at-hosts.ts";
import type { StatesInMemory } from "./states-in-memory.ts";
import { applyWorkflow } from "./workflow.ts";

/** What runs at a host have in common that are of one action of a registered actor. */
export interface Hosting {
  /** Who has the action now, the latest one first. */
  readonly hosts: () => readonly [HostProgram, ...HostProgram[]];
  /** Where the states of actors are that are not stored; `undefined` for actors whose states are. */
  readonly memory: StatesInMemory | undefined;
  /** The parent that the registration itself names. */
  readonly parent: string;
  /** The type that states of it have, as its registration says; `undefined` if that says nothing. */
  readonly stateType: string | undefined;
  /** Whether tags that come back empty are the new ones: some SDKs never send any. */
  readonly clearsTags: boolean;
  readonly directory: Directory;
}

/** One run, and what it is called with. */
interface HostedRun {
  readonly context: ActionContext;
  readonly payload: unknown;
  readonly caller: ActorId | undefined;
}

/** Runs an action and takes all that it answers. */
export async function runAtHost(
  hosting: Hosting,
  action: string,
  { context, payload }: Pick<HostedRun, "context" | "payload">,
): Promise<unknown> {
  const answer = await call(hosting, action, { context, payload, caller: context.caller });
  const { response, outcome } = answer;
  const { workflow, checkpoint, payload: reply } = response;
  if (workflow !== undefined) await applyWorkflow(context, workflow, hosting.directory);
  if (outcome !== undefined) await applyOutcome(context, outcome, hosting.directory);
  if (checkpoint) context.checkpoint();
  const value = valueOfPayload(reply, "answer");
  takeState(hosting, context, answer);
  return value;
}

/** Runs the action that begins the life of an actor: only the state and tags of its answer count. */
export async function initAtHost(
  hosting: Hosting,
  action: string,
  context: ActionContext,
): Promise<void> {
  const answer = await call(hosting, action, { context, payload: NOOP, caller: context.self });
  takeState(hosting, context, answer);
}

/** The state of an actor as it is stored, wherever that is. */
export function stateAsStored({ memory }: Pick<Hosting, "memory">, context: ActionContext): string {
  return memory === undefined
    ? (context.state as HostedState).text
    : memory.read(context.self.name);
}

interface HostAnswer {
  readonly response: ActorInvocationResponse;
  /** What the protocol has no words for; `undefined` if there is nothing of it. */
  readonly outcome: Outcome | undefined;
  /** The state that the host was given, as it is stored. */
  readonly before: string;
}

/** Sends the state with the payload, and answers what the host makes of them. */
async function call(
  hosting: Hosting,
  action: string,
  { context, payload, caller }: HostedRun,
): Promise<HostAnswer> {
  const before = stateAsStored(hosting, context);
  const id = wireIdOf(context.self);
  const actor = id.parent === "" ? { ...id, parent: hosting.parent } : id;
  const { metadata, tags, revision } = context;
  const run = new RunAtHost(context);
  const request = ({ spelling }: HostProgram): Uint8Array =>
    invocationBytes({
      actor,
      actionName: action,
      state: stateOfText(before, spelling),
      caller: caller && wireIdOf(caller),
      metadata,
      tags,
      payload: payloadOfValue(payload, spelling),
      run: { id: run.id, revision },
    });
  try {
    const asked = { action, actor: context.self.definition, metadata };
    const callFor = (host: HostProgram): HostCall => {
      run.host = host;
      return { ...asked, body: request(host) };
    };
    const response = understood(await askHosts(hosting.hosts, callFor, context.cancellation));
    checkAnswerer(response, actor);
    return { response, outcome: outcomeOf(response), before };
  } finally {
    run.end();
  }
}

function takeState(
  { memory, stateType, clearsTags }: Hosting,
  context: ActionContext,
  { response, outcome, before }: HostAnswer,
): void {
  const { state, tags } = response.updatedContext as Context;
  checkStateType(state?.typeUrl, stateType);
  const after = textOfState(state) ?? before;
  if (memory !== undefined) return memory.write(context.self.name, after);
  const index = outcome && indexIn(outcome);
  if (after !== before || index !== undefined) context.state = new HostedState(after, index);
  if (clearsTags || Object.keys(tags).length > 0) context.tags = tags;
}

function checkStateType(typeUrl: string | undefined, expected: string | undefined): void {
  if (typeUrl === undefined || typeUrl === "" || expected === undefined) return;
  // It says that there is none.
  if (isNoop(typeUrl)) return;
  const type = typeNameOf(typeUrl);
  if (type === expected) return;
  throw new Error(
    `the host answered a state of type ${JSON.stringify(type.slice(0, 200))}, expected ${expected}`,
  );
}

/** The name of a message type; `JSONType` whatever its spelling is. */
export function typeNameOf(typeUrl: string): string {
  return isJsonType(typeUrl) ? "JSONType" : typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}
