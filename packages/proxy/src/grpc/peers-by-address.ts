/** Who is at the other end of connections of HTTP/2, which calls know only by their addresses. */
import type { Socket } from "node:net";
import type { CheckedConnections } from "../security/checked-connections.ts";
import { peerOf } from "../security/peer.ts";
import type { Peer } from "../security/peer.ts";

/** Whoever is gone, or was never here. */
const STRANGER: Peer = { from: "network", address: undefined, certificateName: undefined };

export class PeersByAddress {
  readonly #peers = new Map<string, { readonly peer: Peer; readonly socket: Socket }>();
  readonly #checked: CheckedConnections;

  constructor(checked: CheckedConnections) {
    this.#checked = checked;
  }

  add(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    const address = `${remoteAddress}:${remotePort}`;
    this.#peers.set(address, { peer: peerOf(socket, false), socket });
    socket.once("close", () => this.#peers.delete(address));
  }

  /** One whose certificate counts no more has no name any more. */
  at(address: string): Peer {
    const { peer, socket } = this.#peers.get(address) ?? {};
    if (peer === undefined || socket === undefined) return STRANGER;
    return this.#checked.provenPeer(socket, peer);
  }

  /** Ends the connection. */
  hangUp(address: string): void {
    this.#peers.get(address)?.socket.destroy();
  }
}
