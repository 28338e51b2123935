/** The actors that hosts have registered, as the gRPC and HTTP front calls them. */
import type { CallOptions } from "spawn-mesh/engine";
import type { ActorSystems } from "../actors/actor-systems.ts";
import { optionsOfMetadata } from "../call-metadata.ts";
import { payloadOfValue, valueOfPayload } from "../wire-values.ts";
import type { ActorCall, ActorCalls } from "./actor-calls.ts";

/** The actors of the proxy's own system. */
export function hostedCalls(systems: ActorSystems): ActorCalls {
  const system = systems.defaultSystem;
  return {
    kindOf: (actor) => systems.get(system)?.kindOf(actor),
    async invoke(call) {
      const target = { system, name: call.actor, parent: "", registerRef: call.parent ?? "" };
      const payload = valueOfPayload({ case: "value", value: call.payload }, "payload");
      const { action, identity } = call;
      const value = await systems.call({
        target,
        action,
        payload,
        options: optionsOf(call),
        identity,
        claimed: undefined,
        run: undefined,
      });
      return payloadOfValue(value, "spawn");
    },
  };
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
function optionsOf({ metadata, deadlineMs = Infinity, signal }: ActorCall): CallOptions {
  const options = optionsOfMetadata(metadata);
  const earliest = Math.min(deadlineMs, options.deadlineMs ?? Infinity);
  return { ...options, signal, ...(earliest < Infinity && { deadlineMs: earliest }) };
}
