/** Calls of functions outside of actors that a sidecar asks for. */
import {
  FunctionCallSchema,
  actorIdOf,
  furtherFields,
  hostAnswerBytes,
} from "../protocol/index.ts";
import type { ActorInvocation, FunctionCall } from "../protocol/index.ts";
import { SpawnError, isFailure } from "../engine/index.ts";
import type { ExternalFunction } from "../engine/index.ts";
import { describeThrown } from "../engine/errors.ts";
import { copyValue } from "../engine/values/values.ts";
import { valueOfPayload } from "./wire-values.ts";

/** What is asked for besides an action; `undefined` if it is one. */
export function functionCallIn(request: ActorInvocation): FunctionCall | undefined {
  const called = furtherFields(FunctionCallSchema, request);
  return called === undefined || called.messageId === "" ? undefined : called;
}

/**
 * Calls the function, and answers that it is done.
 *
 * @param signal aborts when nobody waits for it any more
 * @throws {SpawnError} `ACTION_FAILED` when it has thrown or refused, `HOST_UNAVAILABLE` when it is not here
 */
export async function callFunction(
  functions: ReadonlyMap<string, ExternalFunction>,
  { request, called }: { readonly request: ActorInvocation; readonly called: FunctionCall },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { actionName: name, payload, caller, actor } = request;
  const run = functions.get(name);
  if (run === undefined) {
    const text = `this program has no function ${JSON.stringify(name)}`;
    throw new SpawnError("HOST_UNAVAILABLE", text);
  }
  const { messageId: id, attempt } = called;
  const call = { id, attempt, actor: caller && actorIdOf(caller), signal };
  const result = await attempted(name, () => run(valueOfPayload(payload, "payload"), call));
  if (isFailure(result)) throw refusalOf(name, result);
  return hostAnswerBytes({
    actorName: name,
    actorSystem: actor?.system ?? "",
    state: undefined,
    tags: {},
    payload: { case: undefined },
    workflow: undefined,
    isCheckpoint: false,
  });
}

async function attempted(name: string, run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (cause) {
    throw new SpawnError("ACTION_FAILED", `${name}: ${describeThrown(cause)}`, { cause });
  }
}

function refusalOf(
  name: string,
  { code, data }: { readonly code: unknown; readonly data?: unknown },
): SpawnError {
  const said = describeThrown(code);
  const failure = { code: said, data: copyValue(data, "failure data") };
  return new SpawnError("ACTION_FAILED", `${name} refused: ${said}`, { failure });
}
