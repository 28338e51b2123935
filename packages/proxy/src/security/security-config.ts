/** Who may do what, from the environment and from the files that it names. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { SpawnError } from "spawn-mesh/engine";
import type { Variables } from "../variables.ts";
import { isLoopback } from "./peer.ts";
import { parsePolicy } from "./policies.ts";
import type { Policy } from "./policies.ts";
import type { GuardOptions, SecurityRules } from "./guard.ts";
import { readTls } from "./tls.ts";
import type { TlsFiles } from "./tls.ts";
import { Tokens } from "./tokens.ts";

export interface SecurityConfig extends Omit<
  GuardOptions,
  "rules" | "listensAtFile" | "onRefused"
> {
  readonly tls: TlsFiles | undefined;
  /** What {@link readRules} and the listeners are made of, to see when it changes. */
  readonly files: readonly string[];
  /** Reads tokens and policies, as they are now. @throws {SpawnError} `INVALID_ARGUMENT` */
  readonly readRules: () => SecurityRules;
}

/** Where policies are, as in the original. */
const POLICIES_PATH = "policies";
const POLICY_ENDING = ".policy";
const READABLE_BY_OTHERS = 0o007;
const TRUST_ANYONE = "SPAWN_ALLOW_ANYONE_ON_THE_NETWORK";

/** @throws {SpawnError} `INVALID_ARGUMENT`, also for a file that is not as it has to be */
export function securityConfigOf(read: Variables): SecurityConfig {
  const tls = tlsFilesOf(read);
  const tokens = tokensOf(read);
  const policiesPath = read.find("SPAWN_POLICIES_PATH");
  const readRules = (): SecurityRules => ({
    tokens: tokens(),
    policies: readPolicies(policiesPath),
  });
  // What is wrong is said at the start, and not with the first request.
  readRules();
  if (tls !== undefined) readTls(tls);
  const tokensFile = read.find("SPAWN_TOKENS_FILE");
  const files = [tls?.certFile, tls?.keyFile, tls?.clientCaFile, tokensFile];
  return {
    tls,
    files: files.filter((file) => file !== undefined),
    readRules,
    asksCertificates: tls?.clientCaFile !== undefined,
    certificateHosts: new Set(read.list("SPAWN_TLS_CLIENT_HOSTS")),
    trustsLoopback: read.flag("SPAWN_TRUST_LOOPBACK", false),
    trustsAnyone: read.flag(TRUST_ANYONE, false),
  };
}

/**
 * Refuses an address that others can reach when nobody would have to prove who they are.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function checkReach(host: string, security: SecurityConfig): void {
  const { trustsAnyone, asksCertificates, readRules } = security;
  if (isLoopback(host) || trustsAnyone || asksCertificates) return;
  if (readRules().tokens !== undefined) return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `PROXY_HOST_INTERFACE: others can reach ${host}, and anybody could call and replace every actor; ` +
      `expected SPAWN_TOKENS_FILE, SPAWN_TLS_CLIENT_CA_FILE, or ${TRUST_ANYONE}=true`,
  );
}

/** Whether tokens and everything else would travel where others can read them. */
export function isInClear(host: string, { tls }: SecurityConfig): boolean {
  return tls === undefined && !isLoopback(host);
}

function tlsFilesOf(read: Variables): TlsFiles | undefined {
  const certFile = read.find("SPAWN_TLS_CERT_FILE");
  const keyFile = read.find("SPAWN_TLS_KEY_FILE");
  const clientCaFile = read.find("SPAWN_TLS_CLIENT_CA_FILE");
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile, clientCaFile };
  if (certFile === undefined && keyFile === undefined && clientCaFile === undefined)
    return undefined;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    "SPAWN_TLS_CERT_FILE and SPAWN_TLS_KEY_FILE: expected both, got one of them or only a client CA",
  );
}

function tokensOf(read: Variables): () => Tokens | undefined {
  const text = read.find("SPAWN_TOKENS");
  const file = read.find("SPAWN_TOKENS_FILE");
  if (text !== undefined && file !== undefined) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      "SPAWN_TOKENS_FILE: expected it or SPAWN_TOKENS, got both",
    );
  }
  if (file !== undefined) return () => Tokens.parse(readSecret("SPAWN_TOKENS_FILE", file), file);
  return () => (text === undefined ? undefined : Tokens.parse(text, "SPAWN_TOKENS"));
}

function readSecret(name: string, path: string): string {
  return reading(name, () => {
    const { mode } = statSync(path);
    if (process.platform !== "win32" && (mode & READABLE_BY_OTHERS) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(3, "0");
      throw new Error(`all users can reach it (mode ${octal}): chmod o-rwx ${path}`);
    }
    return readFileSync(path, "utf8");
  });
}

/** The policies of a folder. The one that Spawn looks for need not be there. */
function readPolicies(path: string | undefined): readonly Policy[] {
  const folder = path ?? POLICIES_PATH;
  if (path === undefined && statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
  return reading("SPAWN_POLICIES_PATH", () =>
    readdirSync(folder)
      .filter((file) => file.endsWith(POLICY_ENDING))
      .toSorted()
      .map((file) =>
        parsePolicy(basename(file, POLICY_ENDING), readFileSync(join(folder, file), "utf8")),
      ),
  );
}

function reading<Value>(name: string, what: () => Value): Value {
  try {
    return what();
  } catch (error) {
    if (error instanceof SpawnError) throw error;
    throw new SpawnError("INVALID_ARGUMENT", `${name}: ${(error as Error).message}`);
  }
}
