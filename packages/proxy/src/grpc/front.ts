/**
 * Actors as gRPC services and as HTTP resources, on one port.
 *
 * What is served is what the users' descriptor sets declare: their services under their own names, with
 * reflection and health beside them.
 */
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import { createServer as createTlsServer, type Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";
import { Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { isSpawnError } from "spawn-mesh/engine";
import { unexpected } from "../observability/log.ts";
import type { Log } from "../observability/log.ts";
import { refusingMalformed } from "../http/malformed-requests.ts";
import { CheckedConnections } from "../security/checked-connections.ts";
import { tellingFailedHandshakes } from "../security/failed-handshakes.ts";
import type { Guard } from "../security/guard.ts";
import { peerOf } from "../security/peer.ts";
import { transferTimeouts } from "../http/transfer-timeouts.ts";
import type { UnreadAnswers } from "../http/unread-answers.ts";
import { PeersByAddress } from "./peers-by-address.ts";
import type { ActorCalls } from "./actor-calls.ts";
import { actorMethods } from "./actor-service.ts";
import type { DeclaredActors } from "./declared-actors.ts";
import { boundedCalls } from "./bounded-calls.ts";
import { addService, definitionOf } from "./grpc-methods.ts";
import type { Identify } from "./grpc-methods.ts";
import { Unauthenticated } from "./grpc-status.ts";
import { Health } from "./gen/grpc/health/v1/health_pb.ts";
import { grpcHealth, spawnHealth } from "./health.ts";
import { answerToError } from "./http/http-refusal.ts";
import { transcoder } from "./http/transcoder.ts";
import { addReflection } from "./reflection.ts";
import type { ServedMethod } from "./served-method.ts";
import { shareWithHttp2 } from "./shared-port.ts";

export interface GrpcFrontOptions {
  readonly declared: DeclaredActors;
  readonly calls: ActorCalls;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Whether the process takes calls: what health says. */
  readonly isReady: () => boolean;
  /** Whether clients may ask what is served. */
  readonly reflection: boolean;
  /** Whether HTTP requests are answered too. */
  readonly transcoding: boolean;
  /** The largest message or body, in bytes. */
  readonly messageBytesMax: number;
  /** How long a message or body may take to come, in milliseconds. */
  readonly transferMsMax: number;
  readonly unread: UnreadAnswers;
  readonly log: Log;
  readonly guard: Guard;
  /** `undefined` for plain connections. */
  readonly tls: TlsOptions | undefined;
}

/** Connections at once. */
const CONNECTIONS_MAX = 10_000;

/** Calls at once on one connection. */
const STREAMS_MAX = 1_000;

/** How long a connection of HTTP/2 is kept that nobody calls on, in milliseconds; it is ended in good order. */
const CONNECTION_IDLE_MS_MAX = 10 * 60_000;

/** How often the other end of a connection of HTTP/2 has to show that it is there, and how soon, in milliseconds. */
const PING_PERIOD_MS = 60_000;
const PING_MS_MAX = 20_000;

/** Time for calls under way on connections that end, in milliseconds. */
const FAREWELL_MS = 10_000;

const HEADER_BYTES_MAX = 16 * 1024;

export interface GrpcFront {
  readonly port: number;
  /** New connections are made with another certificate; open ones end if other authorities check those of clients. */
  renewTls(tls: TlsOptions, hasOtherAuthority: boolean): void;
  /** Takes no new calls, and waits this long for those that are under way, in milliseconds. */
  stop(graceMs: number): Promise<void>;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` for HTTP options of methods that make no sense */
export async function startGrpcFront(options: GrpcFrontOptions): Promise<GrpcFront> {
  const services = servicesOf(options);
  const { guard } = options;
  const checked = new CheckedConnections();
  const peers = new PeersByAddress(checked);
  const grpc = grpcServer(options, services, peers);
  const http = httpServer(options);
  const requestListener = transcoder({
    methods: options.transcoding ? services.flat() : [],
    registry: options.declared.registry,
    bodyBytesMax: options.messageBytesMax,
    unread: options.unread,
    isClosing: ({ socket }) => !options.isReady() || checked.isOutdated(socket),
    authorize({ socket, headers }) {
      const peer = checked.provenPeer(socket, peerOf(socket, false));
      return guard.authorize({ peer, headers });
    },
  });
  http.on("request", requestListener);
  http.on("clientError", refusingMalformed(answerToError));
  http.maxConnections = CONNECTIONS_MAX;
  const http2 = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const closeSilent = shareWithHttp2(http, (socket) => {
    peers.add(socket);
    http2.injectConnection(socket);
  });
  http.on("tlsClientError", tellingFailedHandshakes(options.log));
  if (options.tls !== undefined) checked.watch(http);
  http.listen({ host: options.host, port: options.port });
  await once(http, "listening");
  return {
    port: (http.address() as AddressInfo).port,
    renewTls(tls, hasOtherAuthority) {
      if (!("setSecureContext" in http)) return;
      http.setSecureContext(tls);
      if (!hasOtherAuthority) return;
      checked.forgetAll();
      http.closeIdleConnections();
      http2.drain(FAREWELL_MS);
    },
    async stop(graceMs) {
      closeSilent();
      await stop(http, grpc, graceMs);
    },
  };
}

/** gRPC over TLS is agreed on as `h2` before the first byte. */
function httpServer({ tls, transferMsMax }: GrpcFrontOptions): HttpServer | HttpsServer {
  const options = { maxHeaderSize: HEADER_BYTES_MAX, ...transferTimeouts(transferMsMax) };
  if (tls === undefined) return createServer(options);
  return createTlsServer({ ...options, ...tls, ALPNProtocols: ["h2", "http/1.1"] });
}

/** The methods of everything that users see, service by service. */
function servicesOf({
  declared,
  calls,
  isReady,
  log,
}: GrpcFrontOptions): readonly (readonly ServedMethod[])[] {
  const health = spawnHealth(isReady);
  const actors = declared.services.map((service) => actorMethods(service, calls));
  return [...actors, health]
    .filter((methods) => methods.length > 0)
    .map((methods) => methods.map((served) => logged(served, log)));
}

/** Tells of what is nobody's failure but ours. */
function logged({ answer, ...served }: ServedMethod, log: Log): ServedMethod {
  return {
    ...served,
    async answer(message, facts) {
      try {
        return await answer(message, facts);
      } catch (thrown) {
        if (!isSpawnError(thrown) || thrown.code === "INTERNAL") {
          log("error", "request-failed", { method: String(served.method), ...unexpected(thrown) });
        }
        throw thrown;
      }
    },
  };
}

function grpcServer(
  options: GrpcFrontOptions,
  services: readonly (readonly ServedMethod[])[],
  peers: PeersByAddress,
): GrpcServer {
  const { declared, guard, isReady, reflection, messageBytesMax, transferMsMax, unread } = options;
  const identify: Identify = (address, authorization) => {
    const answer = guard.authorize({ peer: peers.at(address), headers: { authorization } });
    if ("refusal" in answer) throw new Unauthenticated(answer.refusal);
    return answer;
  };
  const methods = services.flat();
  const names = new Set([Health.typeName, ...methods.map(({ method }) => method.parent.typeName)]);
  const all = [...services, grpcHealth(names, isReady)];
  const hangUp = (address: string): void => peers.hangUp(address);
  const publicPaths = publicPathsOf(all.flat());
  const bounds = { identify, publicPaths, messageBytesMax, transferMsMax, unread, hangUp };
  const server = new GrpcServer({
    "grpc.max_receive_message_length": messageBytesMax,
    "grpc.max_concurrent_streams": STREAMS_MAX,
    "grpc.max_connection_idle_ms": CONNECTION_IDLE_MS_MAX,
    "grpc.keepalive_time_ms": PING_PERIOD_MS,
    "grpc.keepalive_timeout_ms": PING_MS_MAX,
    interceptors: [boundedCalls(bounds)],
  });
  for (const each of all) addService(server, each, { identify });
  if (reflection) {
    const files = [...declared.registry.files, Health.file];
    addReflection(server, files, { services: [...names], identify });
  }
  return server;
}

function publicPathsOf(methods: readonly ServedMethod[]): ReadonlySet<string> {
  const open = methods.filter(({ isPublic }) => isPublic === true);
  return new Set(open.map(({ method }) => definitionOf(method).path));
}

/** Ends when the last connection is gone: those without a call are closed, the others when it is over. */
async function stop(
  http: HttpServer | HttpsServer,
  grpc: GrpcServer,
  graceMs: number,
): Promise<void> {
  const closed = once(http, "close");
  http.close();
  grpc.tryShutdown(() => undefined);
  const end = setTimeout(() => {
    grpc.forceShutdown();
    http.closeAllConnections();
  }, graceMs);
  await closed;
  clearTimeout(end);
}
