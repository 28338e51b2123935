import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { actor, actorSystem, connect } from "../sdk/index.ts";
import { expect, test } from "vitest";
import { create, toBinary } from "@bufbuild/protobuf";
import { RegistrationResponseSchema, Status } from "../protocol/index.ts";

const page = actor("page", {
  kind: "unnamed",
  state: () => ({ n: 0 }),
  index: ({ n }) => ({ n }),
  actions: { turn: () => 1 },
});

test.each(["<html>sign in</html>", "", "null", "[]", '{"id":7}'])(
  "an answer of a gateway that says it is well and is %j is no answer",
  async (body) => {
    const accepted = create(RegistrationResponseSchema, { status: { status: Status.OK } });
    const server = createServer((request, response) => {
      if (request.url === "/api/v1/system") {
        response.end(toBinary(RegistrationResponseSchema, accepted));
      } else if (request.headers["content-length"] === "2") {
        response.writeHead(400, { "spawn-error": "INVALID_ARGUMENT" }).end();
      } else response.end(body);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const sidecar = { url: `http://127.0.0.1:${port}`, stream: false };
    const system = actorSystem("s", { actors: [page], sidecar, handleSignals: false });
    await system.start();
    const unread = { code: "INTERNAL", applied: "unknown" };
    await expect(system.find(page, { n: 1 })).rejects.toMatchObject(unread);
    await expect(system.publish("news", 1)).rejects.toMatchObject(unread);
    await expect(system.effect(page, "a").turn()).rejects.toMatchObject(unread);
    await system.stop();
    server.close();
    server.closeAllConnections();
  },
);

test("a message whose answer a gateway has lost is not sent in another way besides", async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(502).end("<html>bad gateway</html>");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect(`http://127.0.0.1:${port}`, { system: "s", stream: false });
  const sending = client.invoke("a", { action: "turn", delayMs: 1 });
  await expect(sending).rejects.toMatchObject({ code: "INTERNAL", applied: "unknown" });
  expect(asked).toEqual(["/api/v1/system/s/messages"]);
  await client.close();
  server.close();
  server.closeAllConnections();
});
