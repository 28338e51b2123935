/** Certificates of a connection to a database. */
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { checkOptionNames } from "../../engine/option-names.ts";

/** What a connection is encrypted and verified with. All of it is PEM text. */
export interface TlsMaterial {
  /** Who may have signed the server's certificate. Default: the authorities that Node knows. */
  readonly ca?: string;
  /** Our own certificate, if the server wants one. */
  readonly cert?: string;
  /** The key of {@link cert}. */
  readonly key?: string;
  /** The name that the server's certificate must have. Default: the host of the address. */
  readonly serverName?: string;
}

const OPTION_NAMES = ["ca", "cert", "key", "serverName"] as const;

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
  if (mode === "off" || (mode === undefined && material === undefined)) return false;
  checkOptionNames("tls", material ?? {}, OPTION_NAMES);
  const { serverName = host, ...certificates } = material ?? {};
  return {
    ...certificates,
    rejectUnauthorized: mode !== "unverified",
    // An address of numbers cannot be asked for by name.
    ...(isIP(serverName) === 0 && { servername: serverName }),
  };
}
