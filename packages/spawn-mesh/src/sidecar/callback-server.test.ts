import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { CallbackServer } from "./callback-server.ts";
import { HostedActors } from "./hosted-actors.ts";

const actors = new HostedActors(new Map(), {
  host: { run: () => expect.unreachable(), reference: () => expect.unreachable() },
  externals: new Map(),
  callFrom: () => expect.unreachable(),
  emit: () => undefined,
});

test("a page in a browser on this machine runs nothing", async () => {
  const server = new CallbackServer(actors);
  const port = await server.listen("127.0.0.1", 0);
  const post = async (headers: Readonly<Record<string, string>>): Promise<number> => {
    const url = `http://127.0.0.1:${port}/api/v1/actors/actions`;
    return (await fetch(url, { method: "POST", headers, body: "" })).status;
  };
  expect(await post({ origin: "https://elsewhere.example" })).toBe(403);
  expect(await post({ origin: "null" })).toBe(403);
  expect(await post({})).toBe(500);
  server.crash();
});

/** A port that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

test("a server that is stopped while it begins to listen does not listen after that", async () => {
  const server = new CallbackServer(actors);
  const port = await freePort();
  const listening = server.listen("127.0.0.1", port);
  await Promise.all([
    server.stop(0),
    expect(listening).rejects.toMatchObject({ code: "SHUTTING_DOWN" }),
  ]);
  const [error] = (await once(connect(port, "127.0.0.1"), "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNREFUSED");
});
