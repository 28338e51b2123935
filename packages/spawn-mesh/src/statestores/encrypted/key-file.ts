/** Keys in a file of their own. */
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { describeThrown, SpawnError } from "../../engine/errors.ts";
import type { EncryptionOptions } from "./keyring.ts";

const READABLE_BY_OTHERS = 0o007;
const FILE_BYTES_MAX = 64 * 1024;

/**
 * Reads the keys from a JSON file, when the statestore is opened:
 * `{ "active": "2026-11", "keys": { "2026-11": "<base64>", "2025-11": "<base64>" } }`,
 * with `"required": true` if rows in clear text are to be refused, and `"lost": ["2024-11"]` for keys that
 * nobody has any more. On POSIX systems a file that all users can read is refused.
 */
export function keyFile(path: string): () => Promise<EncryptionOptions> {
  return async () => {
    let file: FileHandle | undefined;
    try {
      file = await open(path, "r");
      const { mode, size } = await file.stat();
      if (process.platform !== "win32" && (mode & READABLE_BY_OTHERS) !== 0) {
        const octal = (mode & 0o777).toString(8).padStart(3, "0");
        throw new Error(`all users can reach it (mode ${octal}): chmod o-rwx ${path}`);
      }
      if (size > FILE_BYTES_MAX) {
        throw new Error(`expected at most ${FILE_BYTES_MAX} bytes, got ${size}`);
      }
      return parseKeys(await file.readFile("utf8"));
    } catch (error) {
      // Neither the text nor what the parser says of it, which quotes the text.
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the keys cannot be read from ${path}: ${describeThrown(error)}`,
      );
    } finally {
      await file?.close();
    }
  };
}

function parseKeys(text: string): EncryptionOptions {
  try {
    return JSON.parse(text) as EncryptionOptions;
  } catch {
    throw new Error(`it is not JSON; expected { "active": "id", "keys": { "id": "base64" } }`);
  }
}
