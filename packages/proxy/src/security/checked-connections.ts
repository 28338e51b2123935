/** The connections of TLS whose certificates the authorities of now have checked. */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

export class CheckedConnections {
  #checked = new WeakSet<Socket>();

  /** It was accepted, by the authorities of now. */
  add(socket: Socket): void {
    this.#checked.add(socket);
  }

  /** Others check certificates from now on. */
  forgetAll(): void {
    this.#checked = new WeakSet();
  }

  /** Whether authorities have accepted it that count no more. A plain one was accepted by none. */
  isOutdated(socket: Socket): boolean {
    return socket instanceof TLSSocket && !this.#checked.has(socket);
  }
}
