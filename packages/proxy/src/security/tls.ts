/** TLS of the listeners, from files that are read again when they may have changed. */
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { TlsOptions } from "node:tls";
import { SpawnError, isSpawnError } from "spawn-mesh/engine";

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** The authorities that sign certificates of clients; `undefined`: clients need none. */
  readonly clientCaFile: string | undefined;
}

/** How long a connection may take to agree on its keys, in milliseconds. */
const HANDSHAKE_MS_MAX = 10_000;

/** @throws {SpawnError} `INVALID_ARGUMENT` for a file that cannot be read, or a key of another certificate */
export function readTls({ certFile, keyFile, clientCaFile }: TlsFiles): TlsOptions {
  const options: TlsOptions = {
    minVersion: "TLSv1.2",
    handshakeTimeout: HANDSHAKE_MS_MAX,
    cert: read("SPAWN_TLS_CERT_FILE", certFile),
    key: read("SPAWN_TLS_KEY_FILE", keyFile),
    // A client may have a token instead: the guard looks at what came.
    ...(clientCaFile !== undefined && {
      ca: read("SPAWN_TLS_CLIENT_CA_FILE", clientCaFile),
      requestCert: true,
      rejectUnauthorized: false,
    }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    if (isSpawnError(error)) throw error;
    // What OpenSSL says names the mistake and quotes nothing.
    throw invalid(`the TLS files cannot be used: ${(error as Error).message}`);
  }
  return options;
}

/** Whether certificates of clients are checked by the same authorities. */
export function isSameAuthority(left: TlsOptions | undefined, right: TlsOptions): boolean {
  return String(left?.ca ?? "") === String(right.ca ?? "");
}

function read(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw invalid(`${name}: ${(error as Error).message}`);
  }
}

function invalid(message: string): SpawnError {
  return new SpawnError("INVALID_ARGUMENT", message);
}
