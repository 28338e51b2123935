import { SpawnError } from "./errors.ts";

/** Who an actor is. The three together are unique for ever; `user/42` and `order/42` are two actors. */
export interface ActorId {
  /** The actor system. */
  readonly system: string;
  /** The name of the definition. */
  readonly definition: string;
  /** The name of the instance; for a named actor the same as the definition. */
  readonly name: string;
}

/** An actor as the key of a map: no name has the character that it ends with, so none begins like another. */
export function actorKey({ system, definition, name }: ActorId): string {
  return `${system}\0${definition}\0${name}\0`;
}

/** The longest name, in bytes of UTF-8. */
export const NAME_BYTES_MAX = 1024;

/** The longest name of a cluster, in bytes of UTF-8. */
const CLUSTER_BYTES_MAX = 255;

/** `shop/cart/42`, for messages and logs. */
export function formatActorId(id: ActorId): string {
  return id.name === id.definition
    ? `${id.system}/${id.name}`
    : `${id.system}/${id.definition}/${id.name}`;
}

/**
 * Checks a name: any text that is not empty, has no control characters and no half of a surrogate
 * pair, and takes at most {@link NAME_BYTES_MAX} bytes. Names are compared byte by byte: `joe`,
 * `Joe` and `joe ` are three names.
 *
 * @param what what is named, for the message: `actor`, `system`, …
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function checkName(what: string, name: unknown): asserts name is string {
  checkText(what, name, NAME_BYTES_MAX);
}

/** Checks the name of a cluster: like other names, but shorter. @throws {SpawnError} `INVALID_ARGUMENT` */
export function checkClusterName(name: unknown): asserts name is string {
  checkText("cluster", name, CLUSTER_BYTES_MAX);
}

function checkText(what: string, name: unknown, bytesMax: number): asserts name is string {
  const problem = nameProblem(name, bytesMax);
  if (problem !== undefined) {
    const shown = typeof name === "string" ? JSON.stringify(name.slice(0, 40)) : typeof name;
    throw new SpawnError("INVALID_ARGUMENT", `${what} name: expected ${problem}, got ${shown}`);
  }
}

function nameProblem(name: unknown, bytesMax: number): string | undefined {
  if (typeof name !== "string") return "a string";
  if (name.length === 0) return "at least one character";
  if (!name.isWellFormed()) return "text without half surrogate pairs";
  if (hasControlCharacter(name)) return "text without control characters";
  if (name.length * 3 > bytesMax && utf8Length(name) > bytesMax) {
    return `at most ${bytesMax} bytes`;
  }
  return undefined;
}

/** A loop, because names are checked with every reference: an expression takes three times as long. */
function hasControlCharacter(name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    if (unit < 0x20 || unit === 0x7f) return true;
  }
  return false;
}

/** The bytes that a well-formed text takes in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Half of a surrogate pair: two units make four bytes.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
