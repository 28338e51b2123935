/** The connections of TLS whose certificates the authorities of now have checked. */
import type { Server, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Peer } from "./peer.ts";

export class CheckedConnections {
  #checked = new WeakSet<Socket>();
  /** Those whose handshake is under way, by their addresses. */
  readonly #beginning = new Map<string, Socket>();

  /** Looks at the connections of a server of TLS. */
  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      const address = addressOf(socket);
      this.#beginning.set(address, socket);
      socket.once("close", () => this.#beginning.delete(address));
    });
    server.on("secureConnection", (socket: Socket) => {
      this.#beginning.delete(addressOf(socket));
      this.#checked.add(socket);
    });
  }

  /** Others check certificates from now on. A handshake has begun with those of before, so it ends. */
  forgetAll(): void {
    this.#checked = new WeakSet();
    for (const socket of this.#beginning.values()) socket.destroy();
  }

  /** Whether authorities have accepted it that count no more. A plain one was accepted by none. */
  isOutdated(socket: Socket): boolean {
    return socket instanceof TLSSocket && !this.#checked.has(socket);
  }

  /** Who is at the other end: one whose certificate counts no more has no name any more. */
  provenPeer(socket: Socket, peer: Peer): Peer {
    return this.isOutdated(socket) ? { ...peer, certificateName: undefined } : peer;
  }
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
