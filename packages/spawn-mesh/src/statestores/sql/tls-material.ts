/** Certificates of a connection to a database. */
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { SpawnError } from "../../engine/errors.ts";
import { checkOptionNames } from "../../engine/option-names.ts";

/** What a connection is encrypted and verified with. All of it is PEM text. */
export interface TlsMaterial {
  /** Who may have signed the server's certificate. Default: the authorities that Node knows. */
  readonly ca?: string | undefined;
  /** Our own certificate, if the server wants one. */
  readonly cert?: string | undefined;
  /** The key of {@link cert}. */
  readonly key?: string | undefined;
  /** The name that the server's certificate must have. Default: the host of the address. */
  readonly serverName?: string | undefined;
}

const OPTION_NAMES = ["ca", "cert", "key", "serverName"] as const;

/** No text of a key gets into a message. */
function checkMaterial(material: TlsMaterial): void {
  checkOptionNames("tls", material, OPTION_NAMES);
  for (const name of ["ca", "cert", "key"] as const) {
    const text: unknown = material[name];
    if (text === undefined || (typeof text === "string" && text.includes("-----BEGIN "))) continue;
    const got =
      typeof text === "string" ? "something else; a path has to be read first" : typeof text;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `tls.${name}: expected a PEM text, which begins with -----BEGIN, got ${got}`,
    );
  }
  const { cert, key, serverName } = material;
  if ((cert === undefined) !== (key === undefined))
    throw new SpawnError("INVALID_ARGUMENT", "tls: expected both cert and key, or none of them");
  if (serverName !== undefined && typeof serverName !== "string")
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `tls.serverName: expected a text, got ${typeof serverName}`,
    );
}

/**
 * Options of a TLS connection, `false` for none. Encrypted means verified, unless the address says
 * otherwise in so many words.
 *
 * @param mode what the address asks for; `undefined` when it does not say
 */
export function tlsOptions(
  mode: "off" | "verified" | "unverified" | undefined,
  { host, material }: { readonly host: string; readonly material: TlsMaterial | undefined },
): ConnectionOptions | false {
  if (material !== undefined) checkMaterial(material);
  if (mode === "off" && material !== undefined) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      "tls: the address asks for a connection that is not encrypted; expected only one of the two",
    );
  }
  if (mode === "off" || (mode === undefined && material === undefined)) return false;
  const { serverName = host, ...certificates } = material ?? {};
  return {
    ...certificates,
    rejectUnauthorized: mode !== "unverified",
    // An address of numbers cannot be asked for by name.
    ...(isIP(serverName) === 0 && { servername: serverName }),
  };
}
