/** Channels over HTTP: published with JSON, heard as server-sent events. */
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { actor } from "spawn-mesh";
import { describe, expect, onTestFinished, test } from "vitest";
import { ChannelRoutes } from "../src/routes/channels.ts";
import type { ChannelLimits } from "../src/routes/channels.ts";
import { ActorHosts } from "../src/host/actor-hosts.ts";
import { ActorSystems } from "../src/actors/actor-systems.ts";
import { ProxyServer } from "../src/http/server.ts";
import { UnreadAnswers } from "../src/http/unread-answers.ts";
import { memoryStatestore } from "spawn-mesh/memory";
import { openDoor } from "./fixtures/open-door.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { until } from "./fixtures/until.ts";
import { startBeside, urlOf } from "./sidecar/start-sidecar.ts";

const PATH = "/api/v1/system/spawn-system/channels/prices";

const listener = actor("listener", {
  state: () => ({ heard: [] as number[] }),
  channels: [{ channel: "prices", action: "hear" }],
  actions: { hear: (ctx, { price }: { price: number }) => void ctx.state.heard.push(price) },
});
const teller = actor("teller", {
  actions: { tell: (ctx, price: number) => void ctx.broadcast("prices", { price }) },
});

function publish(url: string, payload: unknown, path = PATH): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(payload),
  });
}

/** What has come of a stream so far. */
function readStream(response: Response): { text: string; isOver: boolean } {
  const read = { text: "", isOver: false };
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) read.text += decoder.decode(chunk, { stream: true });
    read.isOver = true;
  })().catch(() => (read.isOver = true));
  return read;
}

/** A server with these routes and bounds alone. */
async function startServer(limits: Partial<ChannelLimits>): Promise<{ url: string; port: number }> {
  const { guard, observer } = openDoor();
  const systems = new ActorSystems({
    guard,
    observer,
    defaultSystem: "spawn-system",
    durability: "durable",
    clearsTags: false,
    limits: {},
    openStore: () => memoryStatestore(),
    onEvent: () => undefined,
    hosts: new ActorHosts({
      observer,
      address: { host: "127.0.0.1", port: 1 },
      named: new Map(),
      connectionsMax: 1,
      idleMsMax: 1,
      answerBytesMax: 1,
    }),
    log: () => undefined,
  });
  await systems.start();
  const channels = new ChannelRoutes({ systems, guard }, limits);
  const server = new ProxyServer({
    routes: channels.routes,
    bodyBytesMax: 1_000_000,
    transferMsMax: 60_000,
    unread: new UnreadAnswers({ msMax: 60_000, bytesMax: 1_000_000 }),
    log: () => undefined,
    isClosing: () => false,
    guard,
    tls: undefined,
  });
  const { port } = (await server.listen({ host: "127.0.0.1", port: 0 })) as { port: number };
  onTestFinished(async () => {
    channels.close();
    await systems.stop({ drainTimeoutMs: 100 });
    await server.close();
  });
  return { url: `http://127.0.0.1:${port}`, port };
}

describe("a channel over HTTP", () => {
  test("is heard by actors and by whoever listens, with who said it", async () => {
    await using proxy = await startTestProxy();
    await using system = await startBeside(proxy, [listener, teller]);
    const url = urlOf(proxy.address);
    const response = await fetch(`${url}${PATH}`);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const stream = readStream(response);
    const { id } = (await (await publish(url, { price: 7 })).json()) as { readonly id: string };
    await system.actor(teller).tell(8);
    await until(() => stream.text.includes('{"price":8}'));
    expect(stream.text).toContain(
      `event: publication\nid: ${id}\ndata: {"channel":"prices","id":"${id}","publisher":null,"payload":{"price":7}}\n\n`,
    );
    expect(stream.text).toContain(
      `"publisher":{"system":"spawn-system","definition":"teller","name":"teller"},"payload":{"price":8}}`,
    );
    await until(async () => (await system.actor(listener).get()).heard.length === 2);
    await proxy.stop();
    await until(() => stream.isOver);
    expect(stream.text).toContain('event: end\ndata: {"error":{"code":"SHUTTING_DOWN"');
  });

  test("is published to and heard by programs beside the sidecar", async () => {
    await using proxy = await startTestProxy();
    await using system = await startBeside(proxy, [listener]);
    const heard: unknown[] = [];
    const stop = system.subscribe("prices", (publication) => heard.push(publication));
    let id = "";
    await until(async () => {
      id = await system.publish("prices", { price: 3 });
      return heard.length > 0;
    });
    expect(heard[0]).toEqual({
      channel: "prices",
      id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      payload: { price: 3 },
      publisher: undefined,
    });
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    stop();
  });

  test("says that it is alive while nothing is said", async () => {
    const { url } = await startServer({ heartbeatMs: 20 });
    const stream = readStream(await fetch(`${url}${PATH}`));
    await until(() => stream.text.split(": still here\n\n").length > 3);
  });

  test("cuts off who does not read, and says why", async () => {
    const { url, port } = await startServer({ unreadBytesMax: 64 * 1024 });
    const socket = connectTcp(port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(`GET ${PATH} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    let text = String(await once(socket, "data"));
    socket.pause();
    const other = readStream(await fetch(`${url}${PATH}`));
    const payload = "x".repeat(100_000);
    for (let n = 0; n < 150; n++) await publish(url, payload);
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.resume();
    await until(() => text.includes("event: end"));
    expect(text.slice(text.indexOf("event: end"))).toMatch(
      /"code":"OVERLOADED".*were not read in time/,
    );
    // Who reads has all of it.
    await until(() => other.text.split("event: publication").length === 151);
    socket.destroy();
  }, 20_000);

  test("has room for so many listeners, and is refused to others", async () => {
    const { url } = await startServer({ listenersMax: 1 });
    const first = await fetch(`${url}${PATH}`);
    const second = await fetch(`${url}${PATH}`);
    expect([second.status, await second.json()]).toMatchObject([
      429,
      { error: { code: "OVERLOADED" } },
    ]);
    await first.body!.cancel();
    await until(async () => {
      const again = await fetch(`${url}${PATH}`);
      await again.body!.cancel();
      return again.status === 200;
    });
  });

  test("is refused under a name that no channel or system has", async () => {
    const { url } = await startServer({});
    const refused = await fetch(`${url}/api/v1/system/elsewhere/channels/prices`);
    expect([refused.status, await refused.json()]).toMatchObject([
      404,
      { error: { code: "ACTOR_NOT_FOUND" } },
    ]);
    const long = await publish(url, 1, `/api/v1/system/spawn-system/channels/${"x".repeat(2_000)}`);
    expect(await long.json()).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
  });
});
