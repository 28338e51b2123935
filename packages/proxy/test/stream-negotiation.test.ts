/** How a program and a proxy come to a stream, and go on without one. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect as connectSocket } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { actor, actorSystem, connect } from "spawn-mesh";
import type { SpawnClient } from "spawn-mesh";
import { STREAM_PATH, STREAM_PROTOCOL } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { counter as wireCounter } from "./fixtures/counter.ts";
import { scratch } from "./fixtures/proxy-process.ts";
import { callOf } from "./fixtures/raw-stream.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import type { TestProxy } from "./fixtures/start-proxy.ts";
import { TestHost } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { failureOf, urlOf } from "./sidecar/start-sidecar.ts";

const counter = actor("counter", {
  state: () => ({ total: 0 }),
  actions: {
    add(ctx, value: number) {
      ctx.state.total += value;
      return ctx.state.total;
    },
  },
});

const SWITCHING = `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${STREAM_PROTOCOL}\r\n\r\n`;

function openedIn({ logged }: TestProxy): number {
  return logged.filter((line) => line.endsWith(" stream-opened")).length;
}

/** Asks for a stream, or for something else, and answers the head that comes. */
function asked(
  { address }: TestProxy,
  headers: Readonly<Record<string, string>>,
  path = STREAM_PATH,
): Promise<IncomingMessage> {
  const to = "path" in address ? { socketPath: address.path } : address;
  return new Promise((resolve, reject) => {
    const sent = request({ ...to, path, headers: { connection: "upgrade", ...headers } });
    sent.on("upgrade", (answer, socket) => {
      socket.destroy();
      resolve(answer);
    });
    sent.on("response", (answer) => {
      answer.resume();
      resolve(answer);
    });
    sent.on("error", reject);
    sent.end();
  });
}

/**
 * Something before a proxy that passes requests on, and nothing else.
 *
 * @param onUpgrade what it does with connections that are to become a stream. Default: it knows of no such thing
 */
async function startPlainGateway(proxy: TestProxy, onUpgrade?: (socket: Socket) => void) {
  const { port } = proxy.address as { readonly port: number };
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const { upgrade: _, connection: __, ...passed } = headers;
    const on = request({ port, method, path: url, headers: passed }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    on.on("error", () => outgoing.destroy());
    incoming.pipe(on);
  });
  if (onUpgrade !== undefined) {
    server.on("upgrade", (_request, socket: Socket) => {
      onUpgrade(socket.on("error", () => undefined));
    });
  }
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe("a stream", () => {
  test("carries the calls and the runs of a program on one connection, which listens nowhere", async () => {
    await using proxy = await startTestProxy();
    await using system = actorSystem("spawn-system", {
      actors: [counter],
      // A port that nobody may listen at: it is not needed.
      sidecar: { url: urlOf(proxy.address), port: 1 },
      handleSignals: false,
    });
    await system.start();
    expect(await system.actor(counter).add(3)).toBe(3);
    expect(openedIn(proxy)).toBe(1);
    const metrics = await proxy.client.send("GET", "/metrics");
    expect(metrics.body.toString()).toMatch(
      /spawn_host_call_duration_seconds_count\{host="stream",outcome="ok"\} 2/,
    );
  });

  test("is what a client opens with its first call", async () => {
    await using proxy = await startTestProxy();
    await using spawn = connect(urlOf(proxy.address), { system: "spawn-system" });
    expect(openedIn(proxy)).toBe(0);
    const calls = Array.from({ length: 100 }, () => failureOf(spawn.actor(counter).add(1)));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["ACTOR_NOT_FOUND no"]));
    expect(openedIn(proxy)).toBe(1);
  });

  test("can be turned off", async () => {
    await using proxy = await startTestProxy();
    const url = urlOf(proxy.address);
    await using system = actorSystem("spawn-system", {
      actors: [counter],
      sidecar: { url, stream: false },
      handleSignals: false,
    });
    await system.start();
    await using spawn = connect(url, { system: "spawn-system", stream: false });
    expect(await spawn.actor(counter).add(1)).toBe(1);
    expect(openedIn(proxy)).toBe(0);
    expect(() => connect(url, { stream: "no" as never })).toThrowError(
      /sidecar.stream: expected true or false, got string/,
    );
  });

  test("is done without where something between lets none through", async () => {
    await using proxy = await startTestProxy();
    using gateway = await startPlainGateway(proxy);
    await using system = actorSystem("spawn-system", {
      actors: [counter],
      sidecar: gateway.url,
      handleSignals: false,
    });
    await system.start();
    await using spawn = connect(gateway.url, { system: "spawn-system" });
    expect(await spawn.actor(counter).add(1)).toBe(1);
    expect(await system.actor(counter).add(1)).toBe(2);
    expect(openedIn(proxy)).toBe(0);
  });

  test("is done without where frames get lost after the upgrade", async () => {
    await using proxy = await startTestProxy();
    using gateway = await startPlainGateway(proxy, (socket) => socket.end(SWITCHING));
    await using spawn = connect(gateway.url, { system: "spawn-system" });
    expect(await failureOf(spawn.actor(counter).add(1))).toBe("ACTOR_NOT_FOUND no");
  });

  test.each([
    ["is asked for one and does not answer", () => undefined],
    ["gives one and says nothing on it", (socket: Socket) => void socket.write(SWITCHING)],
  ])("is not waited for by calls while a sidecar hangs that %s", async (_how, onUpgrade) => {
    await using proxy = await startTestProxy();
    const held: Socket[] = [];
    using gateway = await startPlainGateway(proxy, (socket) => {
      held.push(socket);
      onUpgrade(socket);
    });
    await using spawn = connect(gateway.url, { system: "spawn-system" });
    const calledAt = performance.now();
    const calls = Array.from({ length: 3 }, () => failureOf(spawn.actor(counter).add(1)));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["ACTOR_NOT_FOUND no"]));
    expect(performance.now() - calledAt).toBeLessThan(3_000);
    expect(held).toHaveLength(1);
    for (const socket of held) socket.destroy();
  });

  test("that is waited for does not hold up a call which is given up", async () => {
    await using proxy = await startTestProxy();
    const held: Socket[] = [];
    using gateway = await startPlainGateway(proxy, (socket) => held.push(socket));
    await using spawn = connect(gateway.url, { system: "spawn-system" });
    const giving = new AbortController();
    const call = failureOf(spawn.actor(counter).add(1, { signal: giving.signal }));
    await until(() => held.length > 0);
    const abortedAt = performance.now();
    giving.abort();
    expect(await call).toBe("CANCELLED no");
    expect(performance.now() - abortedAt).toBeLessThan(200);
    const late = spawn.actor(counter).add(1, { signal: AbortSignal.abort() });
    expect(await failureOf(late)).toBe("CANCELLED no");
    for (const socket of held) socket.destroy();
  });

  test("that is waited for takes no more than half of the time that a call has, and adds nothing to it", async () => {
    const waits = actor("waits", {
      actions: { wait: async (ctx) => void (await once(ctx.signal, "abort")) },
    });
    await using proxy = await startTestProxy();
    await using system = actorSystem("spawn-system", {
      actors: [counter, waits],
      sidecar: { url: urlOf(proxy.address), stream: false },
      handleSignals: false,
    });
    await system.start();
    const held: Socket[] = [];
    using gateway = await startPlainGateway(proxy, (socket) => held.push(socket));
    const took = async (call: (spawn: SpawnClient) => Promise<unknown>): Promise<number> => {
      await using spawn = connect(gateway.url, { system: "spawn-system" });
      const begunAt = performance.now();
      await call(spawn);
      return performance.now() - begunAt;
    };
    const options = { deadlineMs: 700 };
    expect(await took((spawn) => spawn.actor(counter).add(1, options))).toBeLessThan(500);
    const late = await took(async (spawn) => {
      const failure = failureOf(spawn.actor(waits).wait(undefined, options));
      expect(await failure).toBe("DEADLINE_EXCEEDED no");
    });
    expect(late).toBeLessThan(1_000);
    for (const socket of held) socket.destroy();
  });

  test("is given to those alone who may make requests", async () => {
    const HOST = "host-0123456789abcdef0123456789abcdef01";
    await using proxy = await startTestProxy({ SPAWN_TOKENS: `host shop ${HOST}` });
    const upgrade = STREAM_PROTOCOL;
    const nobody = await asked(proxy, { upgrade });
    expect(nobody.statusCode).toBe(401);
    expect(nobody.headers).toMatchObject({
      "spawn-error": "UNAUTHORIZED",
      "www-authenticate": "Bearer",
    });
    const wrong = await asked(proxy, { upgrade, authorization: "Bearer wrong" });
    expect(wrong.statusCode).toBe(401);
    const right = await asked(proxy, { upgrade, authorization: `Bearer ${HOST}` });
    expect(right.statusCode).toBe(101);
    await using spawn = connect(urlOf(proxy.address), { system: "spawn-system", token: "wrong" });
    expect(await failureOf(spawn.actor(counter).add(1))).toBe("UNAUTHORIZED no");
  });

  test("is not given to web pages from elsewhere", async () => {
    await using proxy = await startTestProxy();
    const headers = { upgrade: STREAM_PROTOCOL, origin: "http://example.org" };
    expect((await asked(proxy, headers)).statusCode).toBe(401);
  });

  test("is chosen among what a newer program offers", async () => {
    await using proxy = await startTestProxy();
    const upgrade = `spawn-mesh-stream/2, ${STREAM_PROTOCOL}`;
    const both = await asked(proxy, { upgrade });
    expect(both.headers.upgrade).toBe(STREAM_PROTOCOL);
    expect((await asked(proxy, { upgrade: "spawn-mesh-stream/2" })).statusCode).toBe(404);
  });

  test("is not what requests with another upgrade get, which are answered as ever", async () => {
    await using proxy = await startTestProxy();
    const answer = await asked(proxy, { upgrade: "h2c", "http2-settings": "AA" }, "/health");
    expect(answer.statusCode).toBe(200);
  });

  test("is not what a request with a body gets, which could be taken for frames", async () => {
    await using proxy = await startTestProxy();
    const upgrade = STREAM_PROTOCOL;
    expect((await asked(proxy, { upgrade, "content-length": "0" })).statusCode).toBe(404);
    expect((await asked(proxy, { upgrade, "transfer-encoding": "chunked" })).statusCode).toBe(404);
    expect(openedIn(proxy)).toBe(0);
  });

  test("is not what a connection becomes on which an answer is still to come", async () => {
    await using host = await TestHost.start({
      slow: async () => {
        await sleep(300);
        return {};
      },
    });
    await using proxy = await startTestProxy();
    await proxy.client.register([wireCounter("slow", { actions: [{ name: "slow" }] })], host);
    const { port } = proxy.address as { readonly port: number };
    const call = callOf("slow", "slow");
    const socket = connectSocket(port, "127.0.0.1");
    let came = "";
    socket.setEncoding("latin1").on("data", (data: string) => (came += data));
    socket.write(
      `POST /api/v1/system/spawn-system/actors/slow/invoke HTTP/1.1\r\nhost: x\r\ncontent-length: ${call.length}\r\n\r\n`,
    );
    socket.write(call);
    socket.write(
      `GET ${STREAM_PATH} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: ${STREAM_PROTOCOL}\r\n\r\n`,
    );
    await until(() => came.includes("Not found!"));
    expect(came.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404"]);
    expect(openedIn(proxy)).toBe(0);
    socket.destroy();
  });

  test("ends when the token that it was opened with counts no more", async () => {
    await using files = scratch();
    const tokens = files.path("tokens");
    const write = (...lines: readonly string[]): void =>
      writeFileSync(tokens, lines.join("\n"), { mode: 0o600 });
    const KEPT = "kept-0123456789abcdef0123456789abcdef01";
    const GONE = "gone-0123456789abcdef0123456789abcdef01";
    write(`host shop ${KEPT}`, `client web ${GONE}`);
    await using proxy = await startTestProxy({ SPAWN_TOKENS_FILE: tokens });
    const url = urlOf(proxy.address);
    await using system = actorSystem("spawn-system", {
      actors: [counter],
      sidecar: { url, token: KEPT },
      handleSignals: false,
    });
    await system.start();
    await using spawn = connect(url, { system: "spawn-system", token: GONE });
    expect(await spawn.actor(counter).add(1)).toBe(1);
    write(`host shop ${KEPT}`);
    proxy.reload();
    await until(async () => {
      const failure = await failureOf(spawn.actor(counter).add(1));
      return failure === "UNAUTHORIZED no";
    });
    expect(await system.actor(counter).add(1)).toBe(2);
    expect(proxy.logged.filter((line) => line === "info stream-closed")).toHaveLength(1);
  });
});
