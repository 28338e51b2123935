/**
 * Policies: which actor may call which action. One file each, with one `key: value` on each line:
 *
 *   type: allow              or deny
 *   actors: shop, basket     who calls; * is everybody
 *   actor_systems: *         the system of who calls
 *   actions: pay, cancel     what is called
 *   identities: web          whose token or certificate it is
 *
 * A call is refused when a deny matches it. Otherwise an allow has to match it, if there is any.
 *
 * A call that names no caller may come from anybody: no allow for some actors matches it, and every deny
 * for some actors does, so that leaving the caller out opens nothing.
 */
import { SpawnError } from "spawn-mesh/engine";
import type { ActorId } from "spawn-mesh/engine";
import { unauthorized } from "./identity.ts";

/** What a policy is asked about. */
export interface PolicyRequest {
  /** The actor in whose name the call is made; `undefined` if it is in nobody's. */
  readonly caller: ActorId | undefined;
  /** Whose request it is; for what an action sends, who registered its actor. */
  readonly identity: string;
  readonly action: string;
}

/** Values that match; `undefined` for all. */
type Names = ReadonlySet<string> | undefined;

export interface Policy {
  /** The name of the file without its ending. */
  readonly name: string;
  readonly isDeny: boolean;
  readonly actors: Names;
  readonly actorSystems: Names;
  readonly actions: Names;
  readonly identities: Names;
}

/** What policies call what is done with channels, which are nobody's. */
export const PUBLISH = "publish";
export const SUBSCRIBE = "subscribe";

const POLICY_BYTES_MAX = 64 * 1024;
const lists = ["actors", "actor_systems", "actions", "identities"] as const;
const keys: readonly string[] = ["type", ...lists];

/** @throws {SpawnError} `INVALID_ARGUMENT` naming the line */
export function parsePolicy(name: string, text: string): Policy {
  if (text.length > POLICY_BYTES_MAX) {
    throw invalid(name, `expected at most ${POLICY_BYTES_MAX} bytes, got ${text.length}`);
  }
  const values = new Map<string, readonly string[]>();
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, key = "", list = ""] = /^([^:]*?)\s*(?::(.*))?$/.exec(line) ?? [];
    const entries = list.split(separatorOf(key)).map(unquoted);
    const where = `line ${index + 1}`;
    if (!keys.includes(key))
      throw invalid(name, `${where}: expected ${keys.join(", ")}, got ${key.slice(0, 40)}`);
    if (values.has(key)) throw invalid(name, `${where}: ${key} is there before`);
    if (entries.includes("")) {
      throw invalid(name, `${where}: expected names after ${key}, with commas between them`);
    }
    values.set(key, entries);
  }
  const [type = "allow", ...more] = values.get("type") ?? [];
  if ((type !== "allow" && type !== "deny") || more.length > 0) {
    throw invalid(name, `type: expected allow or deny, got ${[type, ...more].join(", ")}`);
  }
  const [actors, actorSystems, actions, identities] = lists.map((key) => namesOf(values.get(key)));
  return { name, isDeny: type === "deny", actors, actorSystems, actions, identities };
}

/** @throws {SpawnError} `UNAUTHORIZED` */
export function checkPolicies(policies: readonly Policy[], request: PolicyRequest): void {
  if (policies.length === 0) return;
  const denying = policies.find((policy) => policy.isDeny && denies(policy, request));
  if (denying !== undefined) throw refusal(request, `the policy ${denying.name} denies it`);
  const allowing = policies.filter(({ isDeny }) => !isDeny);
  if (allowing.length === 0 || allowing.some((policy) => allows(policy, request))) return;
  throw refusal(request, "no policy allows it");
}

function denies(
  { actors, actorSystems, actions, identities }: Policy,
  request: PolicyRequest,
): boolean {
  const { caller, identity, action } = request;
  if (!has(actions, action) || !has(identities, identity)) return false;
  const names = caller && [...namesOfActor(caller), caller.name];
  return mayBe(actors, names) && mayBe(actorSystems, caller && [caller.system]);
}

function allows(
  { actors, actorSystems, actions, identities }: Policy,
  { caller, identity, action }: PolicyRequest,
): boolean {
  if (!has(actions, action) || !has(identities, identity)) return false;
  return is(actors, caller && namesOfActor(caller)) && is(actorSystems, caller && [caller.system]);
}

/**
 * An instance is meant by `user/42`, and with all others by `user`. Its name alone does not open anything:
 * whoever may name instances could call one like an actor that may do more.
 */
function namesOfActor({ definition, name }: ActorId): readonly string[] {
  return definition === name ? [name] : [definition, `${definition}/${name}`];
}

function has(names: Names, name: string): boolean {
  return names === undefined || names.has(name);
}

function is(names: Names, given: readonly string[] | undefined): boolean {
  return names === undefined || (given !== undefined && given.some((name) => names.has(name)));
}

/** As {@link is}, and nobody in particular may be anybody. */
function mayBe(names: Names, given: readonly string[] | undefined): boolean {
  return given === undefined || is(names, given);
}

function namesOf(entries: readonly string[] = ["*"]): Names {
  return entries.includes("*") ? undefined : new Set(entries);
}

/** The original splits its lists at colons; names of certificates have some. */
function separatorOf(key: string): RegExp {
  return key === "identities" ? /,/ : /[:,]/;
}

function unquoted(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/, "$2");
}

function refusal({ caller, identity, action }: PolicyRequest, why: string): SpawnError {
  const who = caller?.name ?? identity;
  return unauthorized(`${who} may not call the action ${action}: ${why}`);
}

function invalid(name: string, what: string): SpawnError {
  return new SpawnError("INVALID_ARGUMENT", `the policy ${name}: ${what}`);
}
