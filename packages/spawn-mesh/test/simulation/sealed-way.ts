/** The way to what is encrypted, of whoever encrypts it anew: as bad as that of the processes. */
import type { SealedRows } from "../../src/engine/sealed-rows.ts";
import type { ConnectionParts } from "./connection.ts";
import { read, write } from "./message-way.ts";

/** @param rows what is reached by it */
export function sealedWay(parts: ConnectionParts, rows: SealedRows): SealedRows {
  return {
    listKeys: () => read(parts, () => rows.listKeys()),
    addKey: (proof) => write(parts, () => rows.addKey(proof)),
    removeKey: (keyId) => write(parts, () => rows.removeKey(keyId)),
    scan: (page) => read(parts, () => rows.scan(page)),
    rewrite: (rewrites) => write(parts, () => rows.rewrite(rewrites)),
  };
}
