/**
 * A host in a few lines, written against Spawn's protocol: it registers the actor `Counter` with a proxy,
 * and is called for every action with the state of the actor. In other languages an SDK does this.
 *
 *   PROXY_GRPC_INCLUDE_PROTOS_PATH=examples/07-grpc/protos npm exec spawn-proxy
 *   bin/node-here examples/07-grpc/host.ts
 *   curl -d '{"value": 5}' -H 'content-type: application/json' localhost:9980/v1/counters/ann:add
 */
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack, anyUnpack, type Any } from "@bufbuild/protobuf/wkt";
import {
  ActorInvocationResponseSchema,
  ActorInvocationSchema,
  RegistrationRequestSchema,
} from "spawn-mesh/protocol";
import { AddRequestSchema, TotalSchema, type Total } from "./gen/counter/counter_pb.ts";

type Action = (state: Total, payload: Any) => Total;

const add: Action = ({ total }, payload) => {
  const { value } = anyUnpack(payload, AddRequestSchema)!;
  return create(TotalSchema, { total: total + value });
};

const actions: Readonly<Record<string, Action>> = {
  Add: add,
  AddEach: add,
  Show: (state) => state,
};

/** Runs an action: its answer is the new state of the actor, and the reply to the caller. */
function run(request: Uint8Array): Uint8Array {
  const { actor, actionName, currentContext, payload } = fromBinary(ActorInvocationSchema, request);
  const stored = currentContext?.state && anyUnpack(currentContext.state, TotalSchema);
  if (payload.case !== "value") throw new Error(`${actionName} needs a payload`);
  const state = actions[actionName]!(stored ?? create(TotalSchema), payload.value);
  const answer = create(ActorInvocationResponseSchema, {
    actorName: actor!.name,
    actorSystem: actor!.system,
    updatedContext: { ...currentContext!, state: anyPack(TotalSchema, state) },
    payload: { case: "value", value: anyPack(TotalSchema, state) },
  });
  return toBinary(ActorInvocationResponseSchema, answer);
}

const { USER_FUNCTION_PORT = "8090", PROXY_HTTP_PORT = "9001" } = process.env;
const octets = { "content-type": "application/octet-stream" };

const server = createServer((request, response) => {
  void buffer(request).then((body) => response.writeHead(200, octets).end(run(body)));
});
server.listen(Number(USER_FUNCTION_PORT), "127.0.0.1");

const registration = create(RegistrationRequestSchema, {
  serviceInfo: { serviceName: "counter-host" },
  actorSystem: {
    name: "spawn-system",
    // Kind and timeouts are said by the service, in counter.proto.
    registry: { actors: { Counter: { actions: Object.keys(actions).map((name) => ({ name })) } } },
  },
});
const answer = await fetch(`http://127.0.0.1:${PROXY_HTTP_PORT}/api/v1/system`, {
  method: "POST",
  headers: octets,
  body: toBinary(RegistrationRequestSchema, registration),
});
console.log(answer.ok ? "registered" : `refused with status ${answer.status}`);
