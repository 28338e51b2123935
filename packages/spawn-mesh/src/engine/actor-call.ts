/** Calls on their way into the engine. */
import type { ActionDefinition } from "./actor-definition.ts";
import type { ActorId } from "./actor-id.ts";
import type { ActorType } from "./actor-type.ts";
import type { CallOptions } from "./call-options.ts";
import type { ParentCall } from "./child-calls.ts";

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
