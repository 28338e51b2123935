/** Who makes a request, as far as there is proof of it. */
import { SpawnError } from "spawn-mesh/engine";

export interface Identity {
  /** The name that its token has in the list, `tls:NAME` for a certificate, or `anonymous`. */
  readonly name: string;
  /** Whether it may register actors, and so speak in their name. */
  readonly isHost: boolean;
}

/** Whoever needs no proof, because only this machine or this user can connect. */
export const ANONYMOUS: Identity = { name: "anonymous", isHost: true };

/** Who makes a request that nobody asks who made it. */
export const NOBODY: Identity = { name: "nobody", isHost: false };

/** A refusal, the same whoever says it. */
export function unauthorized(message: string): SpawnError {
  return new SpawnError("UNAUTHORIZED", message);
}

/** @throws {SpawnError} `UNAUTHORIZED` */
export function checkHost({ name, isHost }: Identity, what: string): void {
  if (!isHost) throw unauthorized(`${name} is a client, and only a host may ${what}`);
}
