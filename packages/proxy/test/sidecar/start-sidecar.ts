/** A proxy with TypeScript programs beside it, as they run in production: over sockets. */
import { actorSystem, connect, isSpawnError } from "spawn-mesh";
import type {
  ActorSystem,
  ActorSystemOptions,
  AnyActor,
  ConnectOptions,
  SpawnClient,
  SpawnError,
} from "spawn-mesh";
import type { ListenAddress } from "../../src/config.ts";

/** Whether programs use the stream. These tests are run both ways. */
export const stream = process.env["SIDECAR_STREAM"] !== "false";

/** The address of a proxy, as programs give it. */
export function urlOf(address: ListenAddress): string {
  return "path" in address ? `unix:${address.path}` : `http://${address.host}:${address.port}`;
}

/** Starts a program's actors beside a proxy. */
export async function startBeside(
  proxy: { readonly address: ListenAddress },
  actors: readonly AnyActor[],
  options: Partial<ActorSystemOptions> & { readonly name?: string } = {},
): Promise<ActorSystem> {
  const { name = "spawn-system", ...more } = options;
  const sidecar = { url: urlOf(proxy.address), stream };
  const system = actorSystem(name, { actors, sidecar, handleSignals: false, ...more });
  await system.start();
  return system;
}

/** A program that only calls. */
export function connectTo(
  proxy: { readonly address: ListenAddress },
  options: ConnectOptions = {},
): SpawnClient {
  return connect(urlOf(proxy.address), { stream, ...options });
}

/** The error that a call ends with. */
export async function errorOf(call: Promise<unknown>): Promise<SpawnError> {
  const error: unknown = await call.then(
    (value) => new Error(`expected a failure, got the reply ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (isSpawnError(error)) return error;
  throw error;
}

/** What is said of an error in one line: `code applied`. */
export async function failureOf(call: Promise<unknown>): Promise<string> {
  const { code, applied } = await errorOf(call);
  return `${code} ${applied}`;
}
