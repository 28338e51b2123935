/** `connect(url)`: calls actors through a sidecar, and hosts none. */
import { checkName } from "../engine/index.ts";
import type { ActorKind, InvokeRequest } from "../engine/index.ts";
import type { ActorOf, NameOf } from "../sdk/actor.ts";
import type { ActorRef } from "../sdk/actor-ref.ts";
import { currentRun } from "../sdk/in-process-host.ts";
import { checkOptionNames } from "../engine/option-names.ts";
import { HttpExchange } from "./http-exchange.ts";
import { addressOf } from "./sidecar-address.ts";
import type { SidecarOptions } from "./sidecar-address.ts";
import { SidecarCalls } from "./sidecar-calls.ts";
import { SidecarReferences } from "./sidecar-references.ts";
import { SidecarStream } from "./stream/sidecar-stream.ts";
import { StreamCalls } from "./stream/stream-calls.ts";

/** How a client reaches a sidecar, and what its calls mean that name no system. */
export interface ConnectOptions extends Pick<SidecarOptions, "token" | "stream"> {
  /** The actor system of calls that name none, and of typed references. Default: each call has to name one. */
  readonly system?: string | undefined;
}

const OPTIONS: Readonly<Record<keyof ConnectOptions, true>> = {
  system: true,
  token: true,
  stream: true,
};

/** Calls actors through a sidecar. It keeps a connection or a few, and no process alive. */
export interface SpawnClient extends AsyncDisposable {
  /** Calls an action by names. @throws {SpawnError} */
  invoke<Reply = unknown>(name: string, request: InvokeRequest): Promise<Reply>;
  /** A typed reference to an actor. It can be made at any time and costs nothing. */
  actor<State, ActionsOf, Kind extends ActorKind>(
    definition: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): ActorRef<State, ActionsOf>;
  /** Closes its connections; calls under way fail with `applied: "unknown"`, later ones with `SHUTTING_DOWN`. */
  close(): Promise<void>;
}

/**
 * A client of the sidecar at `url`. Nothing is sent before the first call.
 *
 * @param url `http://127.0.0.1:9001`, `https://…`, or a Unix socket as `unix:/var/run/spawn.sock`
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function connect(url: string, options: ConnectOptions = {}): SpawnClient {
  checkOptionNames("connect", options, Object.keys(OPTIONS));
  const { system, token, stream: isStreamed = true } = options;
  if (system !== undefined) checkName("system", system);
  const address = addressOf({ url, stream: isStreamed, ...(token !== undefined && { token }) });
  const http = new HttpExchange(address);
  const stream = isStreamed ? new SidecarStream(address) : undefined;
  const calls = new SidecarCalls({ http, stream: stream && new StreamCalls(stream) }, system);
  const references = new SidecarReferences();
  const invoke = async (name: string, request: InvokeRequest): Promise<unknown> => {
    const run = currentRun();
    return run === undefined ? await calls.invoke(name, request) : await run.invoke(name, request);
  };
  const close = async (): Promise<void> => {
    stream?.close();
    http.close();
  };
  return {
    invoke: async <Reply>(name: string, request: InvokeRequest) =>
      (await invoke(name, request)) as Reply,
    actor: <State, ActionsOf, Kind extends ActorKind>(
      defined: ActorOf<State, ActionsOf, Kind>,
      ...[name]: NameOf<Kind>
    ) => references.to(defined, name, invoke) as ActorRef<State, ActionsOf>,
    close,
    [Symbol.asyncDispose]: close,
  };
}
