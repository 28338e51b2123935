/**
 * Who gets in, in whose name, and for what.
 *
 * Every door asks {@link Guard.authorize} who makes a request, before it reads the body, and hands the
 * answer on with the call. Where nobody else can connect no proof is needed. Everywhere else it takes a
 * token or a certificate.
 *
 * An identity speaks in the name of the actors that it has registered, and of no others: whoever hosts an
 * actor decides what it does anyway. So a caller that is claimed is proven by the registration.
 */
import { isSpawnError } from "spawn-mesh/engine";
import type { ActorId, SpawnError } from "spawn-mesh/engine";
import type { WireTarget } from "../actors/directory.ts";
import { ANONYMOUS, unauthorized } from "./identity.ts";
import type { Identity } from "./identity.ts";
import type { Peer } from "./peer.ts";
import { checkPolicies } from "./policies.ts";
import type { Policy } from "./policies.ts";
import type { Tokens } from "./tokens.ts";
import { checkNoForeignPage, checkOrigin } from "./web-pages.ts";
import type { BrowserHeaders } from "./web-pages.ts";

/** Somebody who has to prove who they are, and has not. */
export interface Refusal {
  readonly refusal: SpawnError;
}

/** What a door knows of a request before it reads it. */
export interface RequestFacts {
  readonly peer: Peer;
  readonly headers: BrowserHeaders & { readonly authorization?: string | undefined };
}

/** What can change while the proxy runs. */
export interface SecurityRules {
  /** `undefined` when nobody has one. */
  readonly tokens: Tokens | undefined;
  readonly policies: readonly Policy[];
}

export interface GuardOptions {
  readonly rules: SecurityRules;
  /** Names in certificates of those who may register actors. */
  readonly certificateHosts: ReadonlySet<string>;
  /** Whether certificates are asked for. */
  readonly asksCertificates: boolean;
  /** Whether this machine needs no proof although others do. */
  readonly trustsLoopback: boolean;
  /** Whether nobody needs any. */
  readonly trustsAnyone: boolean;
  /** Whether requests come by a socket file, and so without a proof. */
  readonly listensAtFile: boolean;
  /** Is told of everybody who gets in nowhere. */
  readonly onRefused: (peer: Peer, refusal: SpawnError) => void;
}

/** A call, before it is known whether it may be made. */
export interface GuardedCall {
  readonly identity: Identity;
  /** In whose name it is made, if the request says so. */
  readonly claimed: ClaimedCaller | undefined;
  /** The actor whose action makes it, if the request names a run that a host is working on. */
  readonly running: ActorId | undefined;
  readonly action: string;
}

export type ClaimedCaller = Pick<WireTarget, "system" | "name" | "parent">;

/** How the names of identities begin that a certificate proves. */
const CERTIFICATE = "tls:";

/** Finds the actor of a name. */
type Find = (target: WireTarget) => Promise<ActorId | undefined>;

export class Guard {
  readonly #options: GuardOptions;
  #rules: SecurityRules;
  /** The names of those who registered which actors of which system. */
  readonly #owners = new Map<string, Map<string, string>>();

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#rules = options.rules;
  }

  /** Takes other tokens and policies, for requests and calls that come from now on. */
  reload(rules: SecurityRules): void {
    this.#rules = rules;
  }

  /** Who makes a request, or why it is refused whatever it asks for. */
  authorize(facts: RequestFacts): Identity | Refusal {
    try {
      return this.#prove(facts);
    } catch (error) {
      if (!isSpawnError(error)) throw error;
      this.#options.onRefused(facts.peer, error);
      return { refusal: error };
    }
  }

  #prove({ peer, headers }: RequestFacts): Identity {
    const { authorization } = headers;
    const { tokens } = this.#rules;
    if (tokens !== undefined && authorization !== undefined) return ownerOf(authorization, tokens);
    const { certificateName: name } = peer;
    if (name !== undefined) {
      // Browsers send certificates unasked, whosever page it is.
      checkOrigin(peer, headers);
      return { name: `${CERTIFICATE}${name}`, isHost: this.#options.certificateHosts.has(name) };
    }
    if (!this.#isTrusted(peer.from)) throw unauthorized(EXPECTED);
    checkNoForeignPage(peer, headers);
    return ANONYMOUS;
  }

  #isTrusted(from: Peer["from"]): boolean {
    const { trustsAnyone, trustsLoopback, asksCertificates } = this.#options;
    if (from === "unix-socket" || trustsAnyone) return true;
    if (from === "network") return false;
    return trustsLoopback || (this.#rules.tokens === undefined && !asksCertificates);
  }

  /** An actor was registered by the identity of that name before the proxy was started. */
  remember(name: string, system: string, actor: string): void {
    this.#ownersIn(system).set(actor, name);
  }

  /**
   * Makes actors those of an identity, until they are given back with the function that this returns.
   * Whoever registered them before has to be the same, or somebody who cannot come any more: their token
   * was removed, and nobody else could free what they had.
   *
   * @throws {SpawnError} `UNAUTHORIZED` when one of them is another identity's
   */
  own({ name }: Identity, system: string, actors: readonly string[]): () => void {
    const owners = this.#ownersIn(system);
    const foreign = actors.find((actor) => !this.#isFree(owners.get(actor), name));
    if (foreign !== undefined) {
      throw unauthorized(`the actor ${foreign} was registered by another than ${name}`);
    }
    const before = actors.map((actor) => [actor, owners.get(actor)] as const);
    for (const actor of actors) owners.set(actor, name);
    return () => {
      for (const [actor, owner] of before) {
        if (owner === undefined) owners.delete(actor);
        else owners.set(actor, owner);
      }
    };
  }

  /** Nobody has an actor any more. */
  disown(system: string, actor: string): void {
    this.#ownersIn(system).delete(actor);
  }

  /** Whether an identity looks after the first of these actors that anybody has registered; else every host does. */
  looksAfter({ name, isHost }: Identity, actors: readonly ActorId[]): boolean {
    const owner = actors.map((actor) => this.#ownerOf(actor)).find((each) => each !== undefined);
    return isHost && this.#isFree(owner, name);
  }

  #isFree(owner: string | undefined, name: string): boolean {
    return owner === undefined || owner === name || !this.#canHost(owner);
  }

  /** Whether there is a way in for a host of that name. */
  #canHost(name: string): boolean {
    const { certificateHosts, asksCertificates, listensAtFile } = this.#options;
    if (name === ANONYMOUS.name) return listensAtFile || this.#isTrusted("loopback");
    if (name.startsWith(CERTIFICATE)) {
      return asksCertificates && certificateHosts.has(name.slice(CERTIFICATE.length));
    }
    return this.#rules.tokens?.hasHost(name) === true;
  }

  #ownersIn(system: string): Map<string, string> {
    const owners = this.#owners.get(system) ?? new Map<string, string>();
    this.#owners.set(system, owners);
    return owners;
  }

  /**
   * The actor in whose name a call is made, if it may be made.
   *
   * @throws {SpawnError} `UNAUTHORIZED`
   */
  async admit({ claimed, ...call }: GuardedCall, find: Find): Promise<ActorId | undefined> {
    const { identity, running, action } = call;
    if (claimed === undefined || running !== undefined) return this.admitUnclaimed(call);
    const caller = await this.#proven(identity, claimed, find);
    checkPolicies(this.#rules.policies, { caller, identity: identity.name, action });
    return caller;
  }

  /** As {@link Guard.admit}, for a call that claims no caller: nothing has to be looked up. */
  admitUnclaimed({ identity, running, action }: Omit<GuardedCall, "claimed">): ActorId | undefined {
    if (running !== undefined && this.#ownerOf(running) !== identity.name) {
      throw notInTheNameOf(running, identity);
    }
    checkPolicies(this.#rules.policies, { caller: running, identity: identity.name, action });
    return running;
  }

  /** Whether an action may send something to an action. @throws {SpawnError} `UNAUTHORIZED` */
  checkSend(caller: ActorId, action: string): void {
    const identity = this.#ownerOf(caller) ?? ANONYMOUS.name;
    checkPolicies(this.#rules.policies, { caller, identity, action });
  }

  async #proven(identity: Identity, claimed: ClaimedCaller, find: Find): Promise<ActorId> {
    const { system, name, parent } = claimed;
    const direct: ActorId = { system, definition: parent || name, name };
    if (this.#ownerOf(direct) === identity.name) return direct;
    const found = identity.isHost && (await find({ ...claimed, registerRef: "" }));
    if (found && this.#ownerOf(found) === identity.name) return found;
    throw notInTheNameOf(claimed, identity);
  }

  #ownerOf({ system, definition }: ActorId): string | undefined {
    return this.#owners.get(system)?.get(definition);
  }
}

const EXPECTED = "expected the header `authorization: Bearer TOKEN`, or a certificate";

function notInTheNameOf(
  { name, system }: Pick<ActorId, "name" | "system">,
  identity: Identity,
): SpawnError {
  return unauthorized(
    `${identity.name} may not call in the name of ${name} of ${system}, which it has not registered`,
  );
}

function ownerOf(authorization: string, tokens: Tokens): Identity {
  const [, token] = /^Bearer +([^\s]+)$/i.exec(authorization) ?? [];
  const identity = token === undefined ? undefined : tokens.find(token);
  if (identity === undefined) throw unauthorized(`${EXPECTED}, got a token that is not known`);
  return identity;
}
