/**
 * The key of a row: the first 16 bytes of the SHA-256 of the three names, each behind its length in
 * bytes, so that no two splits of the same letters give one key.
 */
import { hash } from "node:crypto";
import { type ActorId, NAME_BYTES_MAX } from "../../engine/actor-id.ts";

const KEY_BYTES = 16;
const LENGTH_BYTES = 4;
const NAMES = 3;
const scratch = Buffer.alloc(NAMES * (LENGTH_BYTES + NAME_BYTES_MAX));

/** The key of an actor's row. */
export function rowKey({ system, definition, name }: ActorId): Uint8Array {
  let length = appendName(0, system);
  length = appendName(length, definition);
  length = appendName(length, name);
  return hash("sha256", scratch.subarray(0, length), "buffer").subarray(0, KEY_BYTES);
}

function appendName(at: number, name: string): number {
  const bytes = scratch.write(name, at + LENGTH_BYTES);
  scratch.writeUInt32BE(bytes, at);
  return at + LENGTH_BYTES + bytes;
}
