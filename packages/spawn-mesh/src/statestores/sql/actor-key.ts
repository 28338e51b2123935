/**
 * Names as keys of a fixed size: the first 16 bytes of a SHA-256. An index of such keys is small, and no
 * collation can take one for another. The names stand in the row too and are compared after every load.
 */
import { hash } from "node:crypto";
import type { ActorId } from "../../engine/actor-id.ts";
import type { StoreHandle } from "../../engine/statestore.ts";

const KEY_BYTES = 16;
const LENGTH_BYTES = 4;

/** The key of an actor: each name with its length before it, so that no two splits are alike. */
export function keyOfActor({ system, definition, name }: ActorId): Buffer {
  return keyOfTexts([system, definition, name]);
}

/** The key that all actors of a definition share. */
export function keyOfDefinition(system: string, definition: string): Buffer {
  return keyOfTexts([system, definition]);
}

/** The key that all actors of a system share. */
export function keyOfSystem(system: string): Buffer {
  return keyOfTexts([system]);
}

/** The key of the lane from one actor to another. */
export function keyOfLane(source: Buffer, target: Buffer): Buffer {
  return firstBytes(Buffer.concat([source, target]));
}

/** A key as the handle of a row, so that commits need not compute it. */
export function handleOf(key: Uint8Array): StoreHandle {
  return latin1(key);
}

export function keyOfHandle(handle: StoreHandle): Buffer {
  return Buffer.from(String(handle), "latin1");
}

/** Bytes as a text of one character a byte, as etags and handles are. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** A key of several texts, each with its length before it. */
export function keyOfTexts(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, 0));
  let offset = 0;
  for (const [index, text] of texts.entries()) {
    offset = bytes.writeUInt32BE(lengths[index]!, offset);
    offset += bytes.write(text, offset);
  }
  return firstBytes(bytes);
}

function firstBytes(bytes: Buffer): Buffer {
  return hash("sha256", bytes, "buffer").subarray(0, KEY_BYTES);
}
