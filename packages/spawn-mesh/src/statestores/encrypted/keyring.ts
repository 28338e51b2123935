/** The keys of a system, checked. Nothing of a key ever gets into a message, an event or a dump. */
import { createSecretKey, KeyObject } from "node:crypto";
import { SpawnError } from "../../engine/errors.ts";
import { checkOptionNames } from "../../engine/option-names.ts";
import { KEY_BYTES, XaesKey } from "./xaes.ts";

/** A key of 32 bytes: as base64 or hexadecimal text, as bytes, or as a secret `KeyObject` of Node. */
export type KeyMaterial = string | Uint8Array | KeyObject;

/** What encrypts all that is stored. */
export interface EncryptionOptions {
  /**
   * The keys by their ids. All of them open what is stored. An id is 1 to 32 letters, digits, dots,
   * dashes or underscores; it is stored with each row, so never give it to another key.
   */
  readonly keys: Readonly<Record<string, KeyMaterial>>;
  /** The id of the key that encrypts what is written. Default: the only key. */
  readonly active?: string | undefined;
  /**
   * The ids of keys that are gone for good. What they have encrypted stays unreadable, and can be deleted;
   * without naming them here, a statestore that holds such rows is not opened. Default: none.
   */
  readonly lost?: readonly string[] | undefined;
  /** Refuses rows in clear text, which are read otherwise until they are encrypted. Default `false`. */
  readonly required?: boolean | undefined;
}

/** The keys, or what gives them when the statestore is opened, such as `keyFile(…)`. */
export type Encryption = EncryptionOptions | (() => EncryptionOptions | Promise<EncryptionOptions>);

const KEY_ID = /^[\w.-]{1,32}$/;
const EXPECTED = `${KEY_BYTES} bytes, as base64 (44 characters), hexadecimal (64 characters), a Uint8Array or a secret KeyObject`;

export class Keyring {
  /** The key that seals. */
  readonly activeId: string;
  /** The ids of those that nobody has any more. */
  readonly lostIds: readonly string[];
  /** Whether what is not encrypted is refused. */
  readonly isRequired: boolean;
  readonly #keys: ReadonlyMap<string, XaesKey>;

  /** @throws {SpawnError} `INVALID_ARGUMENT` */
  constructor(options: EncryptionOptions) {
    if (typeof options !== "object" || options === null || !isRecord(options.keys)) {
      throw refusal("expected an object with keys by their ids");
    }
    checkOptionNames("encryption", options, ["keys", "active", "lost", "required"]);
    const entries = Object.entries(options.keys);
    if (entries.length === 0) throw refusal("expected at least one key, got none");
    this.#keys = new Map(entries.map(([id, material]) => [id, keyOf(id, material)]));
    this.activeId = activeOf(options.active, this.ids);
    this.lostIds = lostOf(options.lost ?? [], this.ids);
    const { required = false } = options;
    if (typeof required !== "boolean") {
      throw refusal(`required: expected true or false, got ${typeof required}`);
    }
    this.isRequired = required;
  }

  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  get active(): XaesKey {
    return this.#keys.get(this.activeId)!;
  }

  /** The key of that id; `undefined` if there is none. */
  get(id: string): XaesKey | undefined {
    return this.#keys.get(id);
  }
}

function keyOf(id: string, material: KeyMaterial): XaesKey {
  if (!KEY_ID.test(id)) {
    throw refusal(
      `${JSON.stringify(id.slice(0, 40))} cannot be the id of a key: expected 1 to 32 letters, digits, dots, dashes or underscores`,
    );
  }
  if (material instanceof KeyObject) {
    if (material.type !== "secret") throw wrongKey(id, `a ${material.type} key`);
    if (material.symmetricKeySize === KEY_BYTES) return new XaesKey(material);
    throw wrongKey(id, `a key of ${material.symmetricKeySize} bytes`);
  }
  const bytes = typeof material === "string" ? bytesOf(id, material) : material;
  if (!(bytes instanceof Uint8Array)) throw wrongKey(id, typeof bytes);
  if (bytes.length !== KEY_BYTES) throw wrongKey(id, `${bytes.length} bytes`);
  return new XaesKey(createSecretKey(bytes));
}

function bytesOf(id: string, text: string): Uint8Array {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
  // Node skips what is not base64, so that half of a key would pass.
  if (/^[\w+/-]*={0,2}$/.test(text)) return Buffer.from(text, "base64");
  throw wrongKey(id, `a text of ${text.length} characters that is neither`);
}

function activeOf(active: unknown, ids: readonly string[]): string {
  if (active === undefined && ids.length === 1) return ids[0]!;
  if (typeof active === "string" && ids.includes(active)) return active;
  const names = ids.map((id) => `"${id}"`).join(", ");
  const got = typeof active === "string" ? JSON.stringify(active.slice(0, 40)) : typeof active;
  throw refusal(`active: expected the id of the key that encrypts, one of ${names}; got ${got}`);
}

function lostOf(lost: unknown, ids: readonly string[]): readonly string[] {
  if (!Array.isArray(lost)) throw refusal(`lost: expected a list of ids, got ${typeof lost}`);
  for (const id of lost) {
    if (typeof id !== "string" || !KEY_ID.test(id)) {
      throw refusal("lost: expected ids of 1 to 32 letters, digits, dots, dashes or underscores");
    }
    if (ids.includes(id)) throw refusal(`lost: key "${id}" is among the keys; expected it once`);
  }
  return lost as readonly string[];
}

function wrongKey(id: string, got: string): SpawnError {
  return refusal(`key "${id}": expected ${EXPECTED}; got ${got}`);
}

function refusal(what: string): SpawnError {
  return new SpawnError("INVALID_ARGUMENT", `encryption: ${what}`);
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
