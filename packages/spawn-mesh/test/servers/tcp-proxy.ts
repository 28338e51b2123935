/**
 * A line to a server that can be disturbed: answers are swallowed, connections cut. What the client
 * sends always arrives, so what it asked for happens and it does not hear of it.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

interface Line {
  readonly client: Socket;
  readonly server: Socket;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  /** Asked of every piece of an answer; a swallowed one ends its connection. */
  #shouldSwallow: (answer: Buffer) => boolean = () => false;
  readonly #target: number;
  swallowed = 0;
  /** Whether answers vanish while the connections stay. */
  isSilent = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** @param target the port of the server, on this machine */
  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return address.port;
  }

  /** The address with our port in it. */
  through(url: string): string {
    const changed = new URL(url);
    changed.port = `${this.port}`;
    return changed.href;
  }

  /** Swallows answers of which this is true, and cuts their connections. */
  swallowWhen(shouldSwallow: (answer: Buffer) => boolean): void {
    this.#shouldSwallow = shouldSwallow;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const line of this.#lines) end(line);
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    const server = connect(this.#target, "127.0.0.1");
    const line = { client, server };
    this.#lines.add(line);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#lines.delete(line);
        end(line);
      });
    }
    client.on("data", (data) => server.write(data));
    server.on("data", (data: Buffer) => {
      if (this.isSilent) return;
      if (!this.#shouldSwallow(data)) return void client.write(data);
      this.swallowed++;
      end(line);
    });
  }
}

function end({ client, server }: Line): void {
  client.destroy();
  // The server has read all that was written to it before it sees the end.
  server.end();
}
