/** The other end of a connection. */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

export interface Peer {
  /** A socket file, this machine by TCP, or anywhere else. */
  readonly from: "unix-socket" | "loopback" | "network";
  /** Its address; `undefined` for a socket file. */
  readonly address: string | undefined;
  /** The name in its certificate, which a trusted authority has signed; `undefined` without one. */
  readonly certificateName: string | undefined;
}

const UNIX_SOCKET: Peer = { from: "unix-socket", address: undefined, certificateName: undefined };

/**
 * The peer of a connection that was accepted at a TCP port or at a socket file.
 *
 * Where it was accepted has to be said: a connection that has just been closed has no address either.
 */
export function peerOf(socket: Socket, isSocketFile: boolean): Peer {
  if (isSocketFile) return UNIX_SOCKET;
  const { remoteAddress: address = "" } = socket;
  const from = isLoopback(address) ? "loopback" : "network";
  return { from, address, certificateName: nameInCertificate(socket) };
}

/** Whether only this machine can reach an address, or can have connected from it. */
export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$|^localhost$/i.test(address);
}

/** A SPIFFE name or other URI goes before the common name. */
function nameInCertificate(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subjectaltname = "", subject } = socket.getPeerCertificate();
  const [, uri] = /(?:^|, )URI:([^\s,"]+)(?:,|$)/.exec(subjectaltname) ?? [];
  const commonName = subject?.CN;
  return uri ?? (typeof commonName === "string" ? commonName : undefined);
}
