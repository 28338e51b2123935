/** Apart from the file itself: the main thread needs it, and loads no `node:sqlite`, which an older Node lacks. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

const PRIVATE_DIRECTORY_MODE = 0o700;

/** Creates the directory of `file` with the missing ones above it, readable for this user only. */
export function createDirectory(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: PRIVATE_DIRECTORY_MODE });
}
