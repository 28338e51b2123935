/** Streams of those who mean no good, or do not know what they do. */
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import type { Socket } from "node:net";
import { STREAM_PATH, STREAM_PROTOCOL } from "spawn-mesh/protocol";
import { expect, test } from "vitest";
import { ProxyProcess } from "./fixtures/proxy-process.ts";
import { frame } from "./fixtures/raw-stream.ts";
import { until } from "./fixtures/until.ts";

const UPGRADE = Buffer.from(
  `GET ${STREAM_PATH} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: ${STREAM_PROTOCOL}\r\n\r\n`,
);

/** A connection whose other end has to end it. */
async function connectedTo({ address }: ProxyProcess): Promise<Socket> {
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
