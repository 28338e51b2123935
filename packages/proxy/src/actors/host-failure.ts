/** What a host says of an action that failed, if its SDK has words for it; others answer as they can. */
import { SpawnError, errorCodes } from "spawn-mesh/engine";
import type { ErrorCode, FailureValue } from "spawn-mesh/engine";
import { ActorInvocationResponseSchema, decodeMessage } from "spawn-mesh/protocol";
import type { ActorInvocationResponse } from "spawn-mesh/protocol";
import type { HostAnswer } from "../host/host-program.ts";
import { valueOfPayload } from "../wire-values.ts";

/** An action failed in a way that its host has told. */
export class HostRefusal extends Error {
  readonly error: SpawnError;

  constructor(error: SpawnError) {
    super(error.message);
    this.error = error;
  }
}

/** SDKs answer errors with an empty body, a page for people, or without a context. */
export function understood({ status, body }: HostAnswer): ActorInvocationResponse {
  if (body.length === 0)
    throw new Error(`the host answered ${status} and no more: its action failed`);
  let response: ActorInvocationResponse;
  try {
    response = decodeMessage(ActorInvocationResponseSchema, body);
  } catch (cause) {
    throw new Error(
      `the host answered ${status} with ${body.length} bytes that are no ActorInvocationResponse: its action failed`,
      { cause },
    );
  }
  if (response.updatedContext !== undefined) return response;
  const unsaid = `the host answered ${status} without a context: its action failed`;
  throw refusalIn(response) ?? new Error(unsaid);
}

/** Whoever listens at a port by now may be another program. @throws {Error} when it answers for somebody else */
export function checkAnswerer(
  { actorName }: ActorInvocationResponse,
  actor: { readonly name: string; readonly parent: string },
): void {
  // One SDK finds actors whatever their case is, and some answer in the name of the parent.
  const isItself = [actor.name, actor.parent].some(
    (name) => name.toLowerCase() === actorName.toLowerCase(),
  );
  if (actorName === "" || isItself) return;
  throw new Error(
    `the host answered for ${JSON.stringify(actorName.slice(0, 100))}, another actor`,
  );
}

/** The failure in an answer that has no context; `undefined` if its host does not say. */
function refusalIn({ payload }: ActorInvocationResponse): HostRefusal | undefined {
  const told = valueOfPayload(payload, "failure") as Partial<Told> | null | undefined;
  const { code, message, failure } = told ?? {};
  if (typeof code !== "string" || !Object.hasOwn(errorCodes, code)) return undefined;
  const isFailure = typeof failure?.code === "string";
  const options = isFailure ? { failure: { code: failure.code, data: failure.data } } : {};
  return new HostRefusal(new SpawnError(code, String(message), options));
}

interface Told {
  readonly code: ErrorCode;
  readonly message: string;
  readonly failure: FailureValue;
}
