/**
 * A host of the sidecar's benchmark: a counter behind `node:http`, as an SDK of Node is.
 *
 * usage: node --conditions=@spawn-mesh/source bench/sidecar-host.ts PORT
 */
import { createServer } from "node:http";
import { fromBinary } from "@bufbuild/protobuf";
import { ActorInvocationSchema, hostAnswerBytes, jsonTextOf, wrapJson } from "spawn-mesh/protocol";

function add(body: Buffer): Uint8Array {
  const { actor, currentContext, payload } = fromBinary(ActorInvocationSchema, body);
  const state = currentContext?.state && jsonTextOf(currentContext.state);
  const { total } = JSON.parse(state ?? '{"total":0}') as { readonly total: number };
  const text = payload.case === "value" ? jsonTextOf(payload.value) : undefined;
  const { value } = JSON.parse(text ?? "{}") as { readonly value: number };
  const after = wrapJson(JSON.stringify({ total: total + value }), "eigr.functions.protocol");
  return hostAnswerBytes({
    actorName: actor!.name,
    actorSystem: actor!.system,
    state: after,
    tags: {},
    payload: { case: "value", value: after },
    workflow: undefined,
    isCheckpoint: false,
  });
}

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const answer = add(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    response.writeHead(200, {
      "content-type": "application/octet-stream",
      "content-length": answer.length,
    });
    // As text it leaves in one write with its head.
    response.end(Buffer.from(answer).toString("latin1"), "latin1");
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
