/**
 * The functions outside of actors that hosts have registered in one system. Who has them is known as long as
 * the proxy runs: programs that have some register again with the next one. Whose they are is kept, so that
 * nobody else takes them meanwhile.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { SpawnError, checkName, fail } from "spawn-mesh/engine";
import type { Cancellation, ExternalCall, ExternalFunction } from "spawn-mesh/engine";
import { FunctionCallSchema, invocationBytes, wireIdOf } from "spawn-mesh/protocol";
import { askHosts } from "../host/ask-hosts.ts";
import { HostIsFull, HostUnavailable } from "../host/host-program.ts";
import type { HostCall, HostProgram } from "../host/host-program.ts";
import type { Guard } from "../security/guard.ts";
import { payloadOfValue } from "../wire-values.ts";
import { HostRefusal, checkAnswerer, understood } from "./host-failure.ts";
import type { Records } from "./records.ts";

/** Functions that hosts may register in one system, those included whose owners are remembered. */
const FUNCTIONS_MAX = 1_000;
/** Hosts that have one function; further ones are forgotten, the oldest first. */
const HOSTS_PER_FUNCTION_MAX = 8;

/** Calls of functions of one system at once: those that hang must not take all places that actions have at a host. */
const CALLS_MAX = 64;

/** Who registered a function. */
export interface KeptFunction {
  readonly by: string;
}

/** By which name a function has an owner. No actor has such a name. */
export function ownedName(external: string): string {
  return `<external> ${external}`;
}

export class RegisteredExternals {
  readonly #system: string;
  readonly #functions = new Map<string, ExternalFunction>();
  readonly #hosts = new Map<string, readonly HostProgram[]>();
  /** The names of all whose owners are kept. */
  readonly #owned = new Set<string>();
  #calls = 0;

  constructor(system: string) {
    this.#system = system;
  }

  /** What the engine calls, by name; it sees those that come. */
  get functions(): ReadonlyMap<string, ExternalFunction> {
    return this.#functions;
  }

  /**
   * Takes the functions of a host, instead of those that it had before.
   *
   * @param by the identity that registers them
   * @throws {SpawnError} `INVALID_ARGUMENT`, `OVERLOADED`
   */
  async add(
    names: readonly string[],
    { host, by }: { readonly host: HostProgram; readonly by: string },
    kept: Records<KeptFunction>,
  ): Promise<void> {
    this.check(names);
    for (const name of names) this.#owned.add(name);
    await Promise.all(names.map((name) => kept.put(name, { by })));
    this.#forget(host);
    for (const name of names) {
      const others = this.#hostsOf(name).filter(({ isGone }) => !isGone);
      this.#hosts.set(name, [host, ...others].slice(0, HOSTS_PER_FUNCTION_MAX));
      this.#functions.set(name, (payload, call) => this.#run(name, payload, call));
    }
  }

  #forget(host: HostProgram): void {
    for (const [name, hosts] of this.#hosts) {
      const others = hosts.filter((other) => other !== host);
      this.#hosts.set(name, others);
      if (others.length === 0) this.#functions.delete(name);
    }
  }

  /** Remembers whose they are that were registered before. */
  async restore(kept: Records<KeptFunction>, guard: Guard): Promise<void> {
    for (const name of await kept.names()) {
      const { by } = (await kept.get(name))!;
      guard.remember(by, this.#system, ownedName(name));
      this.#owned.add(name);
    }
  }

  /** @throws {SpawnError} `INVALID_ARGUMENT`, `OVERLOADED` for functions that cannot be taken */
  check(names: readonly string[]): void {
    for (const name of names) checkName("external", name);
    const all = new Set([...names, ...this.#owned]);
    if (all.size <= FUNCTIONS_MAX) return;
    throw new SpawnError(
      "OVERLOADED",
      `the system ${this.#system} has at most ${FUNCTIONS_MAX} functions outside`,
    );
  }

  #hostsOf(name: string): readonly HostProgram[] {
    return this.#hosts.get(name) ?? [];
  }

  /** @throws {HostUnavailable} */
  #someOf(name: string): readonly [HostProgram, ...HostProgram[]] {
    const [first, ...others] = this.#hostsOf(name);
    if (first !== undefined) return [first, ...others];
    throw new HostUnavailable(`nobody has the function ${JSON.stringify(name)} any more`, true);
  }

  /** @throws {HostIsFull} when it has to wait for others */
  async #run(name: string, payload: unknown, call: ExternalCall): Promise<unknown> {
    if (this.#calls >= CALLS_MAX) throw new HostIsFull(`${CALLS_MAX} functions run already`);
    this.#calls++;
    try {
      return await this.#runAtHost(name, payload, call);
    } finally {
      this.#calls--;
    }
  }

  /** @throws {HostUnavailable} when certainly nobody has begun with it, and what the function has thrown */
  async #runAtHost(name: string, payload: unknown, call: ExternalCall): Promise<unknown> {
    const callFor = (host: HostProgram): HostCall => ({
      actor: name,
      action: name,
      metadata: {},
      body: this.#requestFor(host, { name, payload, call }),
    });
    try {
      const answer = await askHosts(() => this.#someOf(name), callFor, cancellationOf(call.signal));
      checkAnswerer(understood(answer), { name, parent: "" });
      return undefined;
    } catch (error) {
      // It may be why its host has died, so the attempt counts.
      if (error instanceof HostUnavailable && !error.isUnsent) throw new Error(error.message);
      const failure = error instanceof HostRefusal ? error.error.failure : undefined;
      if (failure === undefined) throw error;
      return fail(failure.code, failure.data);
    }
  }

  #requestFor(
    { spelling }: HostProgram,
    {
      name,
      payload,
      call,
    }: { readonly name: string; readonly payload: unknown; readonly call: ExternalCall },
  ): Uint8Array {
    const { id: messageId, attempt, actor } = call;
    const invocation = invocationBytes({
      actor: { name, system: this.#system, parent: "" },
      actionName: name,
      state: undefined,
      caller: actor && wireIdOf(actor),
      metadata: {},
      tags: {},
      payload: payloadOfValue(payload, spelling),
      run: { id: "", revision: 0 },
    });
    const fields = create(FunctionCallSchema, { messageId, attempt });
    return Buffer.concat([invocation, toBinary(FunctionCallSchema, fields)]);
  }
}

function cancellationOf(signal: AbortSignal): Cancellation {
  const cancellation: { -readonly [Key in keyof Cancellation]: Cancellation[Key] } = {
    reason: undefined,
    listener: undefined,
  };
  const cancel = (): void => {
    cancellation.reason = signal.reason as SpawnError;
    cancellation.listener?.();
  };
  signal.addEventListener("abort", cancel, { once: true });
  return cancellation;
}
