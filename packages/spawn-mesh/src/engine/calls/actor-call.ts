/** Calls on their way into the engine. */
import type { ActionDefinition } from "../actor-definition.ts";
import type { ActorId } from "../actor-id.ts";
import type { ActorType, EngineParts } from "../activations/actor-type.ts";
import { NO_CHAIN } from "./call-chain.ts";
import { DEADLINE_MS_DEFAULT, besideKey, checkKey, copyMetadata } from "./call-options.ts";
import type { CallOptions } from "./call-options.ts";
import { keyOf } from "./child-calls.ts";
import type { ParentCall } from "./child-calls.ts";
import { canonicalJson, fingerprint } from "../values/fingerprint.ts";
import { Invocation } from "./invocation.ts";
import type { Caller, InvocationDetails } from "./invocation.ts";
import type { Limits } from "../limits.ts";
import { copyBounded, lastCopiedUnits } from "../values/values.ts";

/** A call with everything that it names found. */
export interface ActorCall {
  readonly type: ActorType;
  readonly name: string;
  readonly action: ActionDefinition;
  readonly payload: unknown;
  readonly options?: CallOptions | undefined;
  /** Where it comes from, when an action makes it. */
  readonly origin?: Origin | undefined;
}

/** Where a call comes from when an action makes it. */
export interface Origin {
  readonly caller: ActorId;
  readonly chain: readonly string[];
  readonly deadlineAt: number;
  /** What the key of the call is made of, if the action itself is done once however often it runs. */
  readonly parent: ParentCall | undefined;
}

/** The invocation of a call that `caller` makes now. @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE` */
export function invocationOf(call: ActorCall, caller: Caller, parts: EngineParts): Invocation {
  const { action, options, origin } = call;
  const { limits } = parts;
  const payload = copyBounded(call.payload, "payload", limits.payloadBytesMax);
  const units = lastCopiedUnits();
  const ownDeadlineAt = deadlineOf(options?.deadlineMs, parts);
  const deadlineAt =
    origin === undefined ? ownDeadlineAt : Math.min(ownDeadlineAt, origin.deadlineAt);
  const details = detailsOf(call, payload, limits);
  return new Invocation({ action, payload, units, deadlineAt, details }, caller);
}

/** A deadline that was asked for is exact; the default one is that of all calls that come in together. */
function deadlineOf(
  deadlineMs: number | undefined,
  { time, runQueue }: Pick<EngineParts, "time" | "runQueue">,
): number {
  return deadlineMs === undefined
    ? runQueue.timeOfCall() + DEADLINE_MS_DEFAULT
    : time.now() + deadlineMs;
}

/** What few calls have besides action and payload. @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE` */
function detailsOf(
  call: ActorCall,
  payload: unknown,
  limits: Limits,
): InvocationDetails | undefined {
  const { type, action, options, origin } = call;
  const metadata = options?.metadata;
  const idempotencyKey = keyOf(call, payload);
  if (idempotencyKey === undefined && metadata === undefined && origin === undefined)
    return undefined;
  if (idempotencyKey !== undefined) {
    checkKey(idempotencyKey, limits.idempotencyKeyBytesMax, type.definition);
  }
  return {
    idempotencyKey,
    fingerprint:
      idempotencyKey === undefined ? "" : fingerprint(`${action.name} ${canonicalJson(payload)}`),
    metadata:
      metadata === undefined
        ? {}
        : besideKey(options, () => copyMetadata(metadata, limits.metadataBytesMax)),
    caller: origin?.caller,
    chain: origin?.chain ?? NO_CHAIN,
    message: undefined,
  };
}
