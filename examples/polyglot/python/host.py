"""The Python third of the example: hosts an actor beside the proxy, or calls one.

    host.py serve NAME          host.py call NAME VALUE

The standard library's HTTP server and protobuf's runtime, nothing else. The messages come from a
FileDescriptorSet, so there is no generated code.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROXY = os.environ.get("SPAWN_PROXY", "http://127.0.0.1:9001")
PROTO = os.environ.get("SPAWN_PROTO", "spawn.binpb")
SYSTEM = "spawn-system"

pool = descriptor_pool.DescriptorPool()
with open(PROTO, "rb") as file:
    for proto in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
        pool.Add(proto)


def message_class(name):
    descriptor = pool.FindMessageTypeByName(name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


ActorInvocation = message_class("spawn.ActorInvocation")
ActorInvocationResponse = message_class("spawn.ActorInvocationResponse")
InvocationRequest = message_class("spawn.InvocationRequest")
InvocationResponse = message_class("spawn.InvocationResponse")
JSONType = message_class("spawn.JSONType")
RegistrationRequest = message_class("spawn.RegistrationRequest")
RegistrationResponse = message_class("spawn.RegistrationResponse")


# JSON travels as text in a JSONType, and that in an Any.


def put_json(any, value):
    any.type_url = "type.googleapis.com/spawn.JSONType"
    any.value = JSONType(content=json.dumps(value)).SerializeToString()


def get_json(any):
    return json.loads(JSONType.FromString(any.value).content) if any.value else None


# The actor: from a state and a payload to a new state and a reply.


def add(state, payload):
    total = (state or {"total": 0})["total"] + payload["value"]
    return {"total": total}, {"total": total}


ACTIONS = {"add": add}


class Host(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        invocation = ActorInvocation.FromString(body)
        context = invocation.current_context
        action = ACTIONS[invocation.action_name]
        state, reply = action(get_json(context.state), get_json(invocation.value))
        response = ActorInvocationResponse(
            actor_name=invocation.actor.name, actor_system=invocation.actor.system
        )
        response.updated_context.CopyFrom(context)
        put_json(response.updated_context.state, state)
        put_json(response.value, reply)
        encoded = response.SerializeToString()
        self.send_response(200)
        self.send_header("content-type", "application/octet-stream")
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_):
        pass


def post(path, message, headers={}):
    """Answers the body whatever its status is: it says itself what went wrong."""
    request = urllib.request.Request(
        PROXY + path,
        data=message.SerializeToString(),
        headers={"content-type": "application/octet-stream", **headers},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        return error.read()


def expect_ok(status):
    if status.status != 1:
        sys.exit(status.message or "the proxy has not said OK")


def serve(name):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    request = RegistrationRequest()
    request.service_info.service_name = "polyglot-python"
    request.service_info.service_runtime = "Python " + sys.version.split()[0]
    request.actor_system.name = SYSTEM
    actor = request.actor_system.registry.actors[name]
    actor.id.name = name
    actor.id.system = SYSTEM
    actor.settings.kind = 1  # NAMED
    actor.settings.stateful = True
    actor.settings.deactivation_strategy.timeout.timeout = 30_000
    actor.settings.snapshot_strategy.timeout.timeout = 10_000
    actor.actions.add(name="add")
    put_json(actor.state.state, {"total": 0})
    headers = {"spawn-host-port": str(server.server_port)}
    answer = RegistrationResponse.FromString(post("/api/v1/system", request, headers))
    expect_ok(answer.status)
    print("Python hosts", name, flush=True)
    server.serve_forever()


def call(name, value):
    request = InvocationRequest(action_name="add")
    request.system.name = SYSTEM
    request.actor.id.name = name
    request.actor.id.system = SYSTEM
    put_json(request.value, {"value": value})
    path = f"/api/v1/system/{SYSTEM}/actors/{name}/invoke"
    answer = InvocationResponse.FromString(post(path, request))
    expect_ok(answer.status)
    print(json.dumps(get_json(answer.value)))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        call(sys.argv[2], int(sys.argv[3]))
