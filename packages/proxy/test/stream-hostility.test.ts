/** Streams of those who mean no good, or do not know what they do. */
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  FrameKind,
  RegistrationRequestSchema,
  STREAM_PATH,
  STREAM_PROTOCOL,
} from "spawn-mesh/protocol";
import { connect } from "spawn-mesh";
import { describe, expect, test } from "vitest";
import type { ListenAddress } from "../src/config.ts";
import { counter, one } from "./fixtures/counter.ts";
import { tally } from "./fixtures/counting-program.ts";
import { ProxyProcess, scratch } from "./fixtures/proxy-process.ts";
import { frame, framesOf, openRawStream } from "./fixtures/raw-stream.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { until } from "./fixtures/until.ts";
import { failureOf, startBeside, urlOf } from "./sidecar/start-sidecar.ts";

const UPGRADE = Buffer.from(
  `GET ${STREAM_PATH} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: ${STREAM_PROTOCOL}\r\n\r\n`,
);

/** A connection whose other end has to end it. */
async function connectedTo({ address }: { readonly address: ListenAddress }): Promise<Socket> {
  const { port } = address as { readonly port: number };
  const socket = connectSocket({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

const closed = (proxy: ProxyProcess): boolean =>
  proxy.said.some((line) => line.includes("stream-closed"));

test("a frame of no kind that comes with the request ends that stream, and no more", async () => {
  await using proxy = await ProxyProcess.start({ PROXY_DATABASE_TYPE: "memory" });
  const socket = await connectedTo(proxy);
  socket.resume().write(Buffer.concat([UPGRADE, frame(99, 1)]));
  await until(() => closed(proxy), 5_000);
  socket.destroy();
  expect((await proxy.client.send("GET", "/health")).status).toBe(200);
});

describe("whoever is refused a stream", () => {
  const tokens = { SPAWN_TOKENS: "host shop host-0123456789abcdef0123456789abcdef01" };

  test("keeps no connection, although it does not end its side", async () => {
    await using proxy = await ProxyProcess.start({ PROXY_DATABASE_TYPE: "memory", ...tokens });
    const socket = await connectedTo(proxy);
    socket.resume().write(UPGRADE);
    await once(socket, "end");
    await until(() => !socket.write("still here") || socket.destroyed, 5_000);
  });

  test("leaves nothing behind when it goes, and does not hold up a proxy that stops", async () => {
    await using proxy = await startTestProxy(tokens);
    const gone = await connectedTo(proxy);
    gone.resume().write(UPGRADE);
    await once(gone, "end");
    gone.end();
    const staying = await connectedTo(proxy);
    staying.resume().write(UPGRADE);
    await once(staying, "end");
    const stopping = proxy.stop();
    expect(await Promise.race([stopping.then(() => "stopped"), sleep(8_000, "held up")])).toBe(
      "stopped",
    );
    staying.destroy();
    await stopping;
  });
});

test(
  "a program keeps its stream however many others come and go",
  { timeout: 60_000 },
  async () => {
    await using proxy = await startTestProxy();
    await using system = await startBeside(proxy, [tally], { sidecar: urlOf(proxy.address) });
    expect(await system.actor(tally, "one").add(1)).toBe(1);
    const nothing = toBinary(RegistrationRequestSchema, create(RegistrationRequestSchema));
    for (let others = 0; others < 260; others++) {
      const socket = await openRawStream(proxy);
      socket.write(frame(FrameKind.register, 7, nothing));
      for await (const { id } of framesOf(socket)) if (id === 7) break;
      socket.destroy();
    }
    expect(await system.actor(tally, "one").add(1)).toBe(2);
  },
);

/** A frame that registers an actor. */
function registers(name: string, id: number): Buffer {
  const registration = create(RegistrationRequestSchema, {
    actorSystem: { name: "spawn-system", registry: { actors: { [name]: counter(name) } } },
  });
  return frame(FrameKind.register, id, toBinary(RegistrationRequestSchema, registration));
}

test("programs that register an actor at the same time all have it", async () => {
  await using files = scratch();
  const file = { PROXY_DATABASE_TYPE: "sqlite", PROXY_DATABASE_NAME: files.path("state.db") };
  await using proxy = await startTestProxy(file);
  const sockets = await Promise.all([1, 2, 3].map(() => openRawStream(proxy)));
  for (const socket of sockets) socket.write(registers("shared", 7));
  for (const socket of sockets) {
    for await (const { id } of framesOf(socket)) if (id === 7) break;
  }
  const { body } = await proxy.client.send("GET", "/api/v1/system/spawn-system/registrations");
  expect(JSON.parse(body.toString())).toMatchObject({
    registrations: [{ name: "shared", hosts: { length: 3 } }],
  });
  for (const socket of sockets) socket.destroy();
});

test("a program without a name is one host however often it registers, and gone with its stream", async () => {
  await using proxy = await startTestProxy();
  const socket = await openRawStream(proxy);
  for (const [index, name] of ["one", "two"].entries()) socket.write(registers(name, 7 + index));
  for await (const { id } of framesOf(socket)) if (id === 8) break;
  socket.destroy();
  await until(() => proxy.logged.some((line) => line.endsWith("stream-closed")));
  for (const name of ["one", "two"]) {
    const call = { ...one, metadata: { "request-timeout": "5000" } };
    const { headers } = await proxy.client.invoke(name, "add", call);
    expect([name, headers["spawn-error"]]).toEqual([name, "HOST_UNAVAILABLE"]);
  }
});

test("many streams leave room for requests, and programs go on with those", async () => {
  await using proxy = await startTestProxy();
  const sockets: Socket[] = [];
  const open = async (): Promise<void> => {
    for (let count = 0; count < 100; count++) sockets.push(await openRawStream(proxy));
  };
  await Promise.all(Array.from({ length: 10 }, open));
  const refused = await connectedTo(proxy);
  refused.write(UPGRADE);
  const [answer] = (await once(refused, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 429 .*spawn-error: OVERLOADED/s);
  refused.destroy();
  await using client = connect(urlOf(proxy.address), { system: "spawn-system" });
  expect(await failureOf(client.invoke("nobody", { action: "add" }))).toBe("ACTOR_NOT_FOUND no");
  for (const socket of sockets) socket.destroy();
  await until(() => proxy.logged.filter((line) => line.endsWith("stream-closed")).length >= 1_000);
  (await openRawStream(proxy)).destroy();
});
