/**
 * Whether this server answers: the health protocol of gRPC, and the health service of Spawn, which plain
 * HTTP reaches as `/health/liveness` and `/health/readiness`.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { SpawnError } from "spawn-mesh/engine";
import { decodeMessage, HealthCheckActor, HealthCheckReplySchema } from "spawn-mesh/protocol";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
} from "./gen/grpc/health/v1/health_pb.ts";
import type { ServedMethod } from "./served-method.ts";

/** The health protocol of gRPC: `isReady` decides for the server and for each of these services alike. */
export function grpcHealth(
  services: ReadonlySet<string>,
  isReady: () => boolean,
): readonly ServedMethod[] {
  const check: ServedMethod = {
    method: Health.method.check,
    isPublic: true,
    answer: async (message) => {
      const { service } = decodeMessage(HealthCheckRequestSchema, message);
      if (service !== "" && !services.has(service)) {
        throw new SpawnError("ACTOR_NOT_FOUND", `there is no service ${service} here`);
      }
      const servingStatus = isReady() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
      const response = create(HealthCheckResponseSchema, { status: servingStatus });
      return toBinary(HealthCheckResponseSchema, response);
    },
  };
  // Watch stays unimplemented, which clients take for: do not watch.
  return [check];
}

/** Spawn's own: a process that answers is alive; whether it takes calls is its readiness. */
export function spawnHealth(isReady: () => boolean): readonly ServedMethod[] {
  const { liveness, readiness } = HealthCheckActor.method;
  return [
    { method: liveness, isPublic: true, answer: async () => reply("up") },
    {
      method: readiness,
      isPublic: true,
      answer: async () => {
        if (isReady()) return reply("up");
        throw new SpawnError("SHUTTING_DOWN", "the proxy is draining and takes no new calls");
      },
    },
  ];
}

function reply(status: string): Uint8Array {
  return toBinary(
    HealthCheckReplySchema,
    create(HealthCheckReplySchema, { status: { status, updatedAt: timestampNow() } }),
  );
}
