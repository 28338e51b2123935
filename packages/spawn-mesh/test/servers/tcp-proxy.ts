/**
 * A line to a server that can be disturbed: answers are swallowed, connections cut. What the client
 * sends always arrives, so what it asked for happens and it does not hear of it.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Told what goes over one connection; decides about the answers. */
export interface Eavesdropper {
  readonly sent: (request: Buffer) => void;
  /** Whether this piece of an answer is swallowed, which ends the connection. */
  readonly swallows: (answer: Buffer) => boolean;
}

interface Line {
  readonly client: Socket;
  readonly server: Socket;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  readonly #target: number;
  readonly #eavesdrop: () => Eavesdropper;
  #shouldSwallow = false;
  swallowed = 0;
  /** Whether answers vanish while the connections stay. */
  isSilent = false;

  private constructor(target: number, eavesdrop: () => Eavesdropper) {
    this.#target = target;
    this.#eavesdrop = eavesdrop;
    this.#server = createServer((client) => this.#accept(client));
  }

  /**
   * @param target the port of the server, on this machine
   * @param eavesdrop called for each connection; default: answers are swallowed when {@link swallowAll} says so
   */
  static async start(target: number, eavesdrop?: () => Eavesdropper): Promise<TcpProxy> {
    const proxy: TcpProxy = new TcpProxy(
      target,
      eavesdrop ?? (() => ({ sent: () => undefined, swallows: () => proxy.#shouldSwallow })),
    );
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

  /** Swallows every answer from now on, or none. */
  swallowAll(isSo: boolean): void {
    this.#shouldSwallow = isSo;
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
    const eavesdropper = this.#eavesdrop();
    this.#lines.add(line);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#lines.delete(line);
        end(line);
      });
    }
    client.on("data", (data: Buffer) => {
      eavesdropper.sent(data);
      server.write(data);
    });
    server.on("data", (data: Buffer) => {
      if (this.isSilent) return;
      if (!eavesdropper.swallows(data)) return void client.write(data);
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
