/** A host that answers every request with something that is wrong in most ways. */
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Choices } from "./choices.ts";
import { hostAnswer } from "./messages.ts";
import { mutate } from "./mutations.ts";

const HEAD_END = "\r\n\r\n";
const SILENCE_MS = 100;

export class FuzzHost {
  readonly #choices: Choices;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  answered = 0;

  constructor(choices: Choices) {
    this.#choices = choices;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let unread = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      unread = Buffer.concat([unread, bytes]);
      const headEnd = unread.indexOf(HEAD_END);
      if (headEnd < 0) return;
      const head = unread.toString("latin1", 0, headEnd);
      const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
      const end = headEnd + HEAD_END.length + length;
      if (unread.length < end) return;
      unread = unread.subarray(end);
      this.#answer(socket);
    });
  }

  #answer(socket: Socket): void {
    const choices = this.#choices;
    this.answered++;
    if (choices.chance(0.02)) return void socket.destroy();
    if (choices.chance(0.01)) return void setTimeout(() => socket.destroy(), SILENCE_MS);
    const isChanged = choices.chance(0.5);
    const body = isChanged
      ? mutate(hostAnswer(choices), choices)
      : Buffer.from(hostAnswer(choices));
    const response = framed(body, choices);
    const isBroken = choices.chance(0.1);
    socket.write(isBroken ? mutate(response, choices) : response);
    // What a mutation has cut off would be waited for.
    if (isBroken) setTimeout(() => socket.destroy(), SILENCE_MS);
  }
}

function framed(body: Buffer, choices: Choices): Buffer {
  if (choices.chance(0.8)) {
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), body]);
  }
  const status = choices.pick(["200 OK", "400 Bad Request", "500 Oops", "404 Not Found"]);
  const head = `HTTP/1.1 ${status}\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`;
  const parts = body.length === 0 ? [] : [Buffer.from(head), body, Buffer.from("\r\n")];
  const end = body.length === 0 ? head + "\r\n" : "0\r\n\r\n";
  return Buffer.concat([...parts, Buffer.from(end)]);
}
