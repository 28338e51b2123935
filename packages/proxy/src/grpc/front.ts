/**
 * Actors as gRPC services and as HTTP resources, on one port.
 *
 * What is served is what the users' descriptor sets declare: their services under their own names, with
 * reflection and health beside them.
 */
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { isSpawnError } from "spawn-mesh/engine";
import type { Log } from "../log.ts";
import type { ActorCalls } from "./actor-calls.ts";
import { actorMethods } from "./actor-service.ts";
import type { DeclaredActors } from "./declared-actors.ts";
import { addService } from "./grpc-methods.ts";
import { Health } from "./gen/grpc/health/v1/health_pb.ts";
import { grpcHealth, spawnHealth } from "./health.ts";
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
  readonly log: Log;
}

/** Connections at once. */
const CONNECTIONS_MAX = 10_000;

/** Calls at once on one connection. */
const STREAMS_MAX = 1_000;

const HEADER_BYTES_MAX = 16 * 1024;

export interface GrpcFront {
  readonly port: number;
  /** Takes no new calls, and waits this long for those that are under way, in milliseconds. */
  stop(graceMs: number): Promise<void>;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` for HTTP options of methods that make no sense */
export async function startGrpcFront(options: GrpcFrontOptions): Promise<GrpcFront> {
  const services = servicesOf(options);
  const grpc = grpcServer(options, services);
  const http = createServer({ maxHeaderSize: HEADER_BYTES_MAX });
  const requestListener = transcoder({
    methods: options.transcoding ? services.flat() : [],
    registry: options.declared.registry,
    bodyBytesMax: options.messageBytesMax,
    isClosing: () => !options.isReady(),
  });
  http.on("request", requestListener);
  http.maxConnections = CONNECTIONS_MAX;
  const http2 = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const closeSilent = shareWithHttp2(http, (socket) => http2.injectConnection(socket));
  http.listen({ host: options.host, port: options.port });
  await once(http, "listening");
  return {
    port: (http.address() as AddressInfo).port,
    async stop(graceMs) {
      closeSilent();
      await stop(http, grpc, graceMs);
    },
  };
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
function logged({ method, answer }: ServedMethod, log: Log): ServedMethod {
  return {
    method,
    async answer(message, facts) {
      try {
        return await answer(message, facts);
      } catch (thrown) {
        if (!isSpawnError(thrown) || thrown.code === "INTERNAL") {
          log("error", "request-failed", { method: String(method), error: String(thrown) });
        }
        throw thrown;
      }
    },
  };
}

function grpcServer(
  { declared, isReady, reflection, messageBytesMax }: GrpcFrontOptions,
  services: readonly (readonly ServedMethod[])[],
): GrpcServer {
  const server = new GrpcServer({
    "grpc.max_receive_message_length": messageBytesMax,
    "grpc.max_concurrent_streams": STREAMS_MAX,
  });
  const methods = services.flat();
  const names = new Set([Health.typeName, ...methods.map(({ method }) => method.parent.typeName)]);
  for (const each of [...services, grpcHealth(names, isReady)]) addService(server, each);
  if (reflection) addReflection(server, [...declared.registry.files, Health.file], [...names]);
  return server;
}

/** Ends when the last connection is gone: those without a call are closed, the others when it is over. */
async function stop(http: HttpServer, grpc: GrpcServer, graceMs: number): Promise<void> {
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
