/**
 * Bearer tokens and whose they are, from a text with one entry on each line: `host NAME TOKEN` for who
 * registers actors, `client NAME TOKEN` for who only calls them.
 *
 * Only hashes are kept. All of them are compared whatever the first ones say, so that the time which a
 * refusal takes tells nothing.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { SpawnError } from "spawn-mesh/engine";
import { ANONYMOUS } from "./identity.ts";
import type { Identity } from "./identity.ts";

const ENTRY = /^(host|client)\s+([\w.-]{1,100})\s+([\w.~+/-]+=*)$/;
const ENTRIES_MAX = 1_000;

/** Shorter ones can be guessed. */
const TOKEN_LENGTH_MIN = 32;

interface Entry {
  readonly hash: Buffer;
  readonly identity: Identity;
}

export class Tokens {
  readonly #entries: readonly Entry[];

  private constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  /**
   * @param from where the text comes from, for messages; they never quote it
   * @throws {SpawnError} `INVALID_ARGUMENT`
   */
  static parse(text: string, from: string): Tokens {
    const entries: Entry[] = [];
    for (const [index, raw] of text.split(/\r?\n|,/).entries()) {
      const line = raw.trim();
      if (line === "" || line.startsWith("#")) continue;
      const entry = entryOf(line, `${from}, entry ${index + 1}`);
      const isTaken = entries.some(({ hash }) => hash.equals(entry.hash));
      if (isTaken) throw invalid(`${from}, entry ${index + 1}: the same token is there before`);
      entries.push(entry);
    }
    if (entries.length === 0) throw invalid(`${from}: expected at least one token, got none`);
    if (entries.length > ENTRIES_MAX) throw invalid(`${from}: expected at most ${ENTRIES_MAX}`);
    return new Tokens(entries);
  }

  /** Whose token it is; `undefined` if nobody's. */
  find(token: string): Identity | undefined {
    const hash = hashOf(token);
    let found: Identity | undefined;
    for (const entry of this.#entries) {
      if (timingSafeEqual(entry.hash, hash)) found = entry.identity;
    }
    return found;
  }

  /** Whether somebody of that name may register actors. */
  hasHost(name: string): boolean {
    return this.#entries.some(({ identity }) => identity.isHost && identity.name === name);
  }
}

function entryOf(line: string, where: string): Entry {
  const [, role, name = "", token = ""] = ENTRY.exec(line) ?? [];
  if (role === undefined) {
    throw invalid(
      `${where}: expected "host NAME TOKEN" or "client NAME TOKEN", got something else`,
    );
  }
  if (name === ANONYMOUS.name) throw invalid(`${where}: the name ${name} is taken by who has none`);
  if (token.length < TOKEN_LENGTH_MIN) {
    throw invalid(
      `${where}: the token of ${name} has ${token.length} characters, expected at least ${TOKEN_LENGTH_MIN} (openssl rand -hex 32)`,
    );
  }
  return { hash: hashOf(token), identity: { name, isHost: role === "host" } };
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function invalid(message: string): SpawnError {
  return new SpawnError("INVALID_ARGUMENT", message);
}
