/**
 * PORT: what the gRPC and HTTP front asks of the actors behind it.
 *
 * The front knows services, messages and status codes; which host runs an actor, and what an action does
 * to its state, is the business of whoever implements this.
 */
import type { Any } from "@bufbuild/protobuf/wkt";
import type { ActorKind } from "spawn-mesh/engine";
import type { InvocationResponse } from "spawn-mesh/protocol";
import type { Identity } from "../security/identity.ts";

export interface ActorCalls {
  /** The kind that an actor is registered with; undefined when nobody registered it. */
  kindOf(actor: string): ActorKind | undefined;
  /** Runs an action and answers what it answered. Rejects with a `SpawnError`. */
  invoke(call: ActorCall): Promise<ActorReply>;
}

export interface ActorCall {
  /** Who makes it. */
  readonly identity: Identity;
  /** The actor; of an unnamed one, the instance. */
  readonly actor: string;
  /** The registered actor that `actor` is an instance of. It is spawned if it is not there. */
  readonly parent: string | undefined;
  readonly action: string;
  readonly payload: Any;
  readonly metadata: Readonly<Record<string, string>>;
  /** What the caller is still ready to wait, in milliseconds; undefined: it did not say. */
  readonly deadlineMs: number | undefined;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

/** A value, `noop`, or nothing at all. */
export type ActorReply = InvocationResponse["payload"];
