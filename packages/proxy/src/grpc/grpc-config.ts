/** Whether and how actors are served over gRPC, from the variables that Spawn has for it. */
import { existsSync } from "node:fs";
import { refused } from "../variables.ts";
import type { Variables } from "../variables.ts";

export interface GrpcConfig {
  readonly host: string;
  readonly port: number;
  readonly reflection: boolean;
  readonly transcoding: boolean;
  /** A descriptor set with services; undefined: there is none. */
  readonly descriptorFile: string | undefined;
  /** A folder of `.proto` files with services; undefined: there is none. */
  readonly protoFolder: string | undefined;
}

const DESCRIPTOR_FILE = "/app/protos/user-function.desc";
const PROTO_FOLDER = "priv/protos";

/** @throws {SpawnError} `INVALID_ARGUMENT`, also for a path that was given and leads to nothing */
export function grpcConfigOf(read: Variables): GrpcConfig | undefined {
  if (!read.flag("PROXY_GRPC_SERVER_ENABLED", true)) return undefined;
  return {
    host: read.text("PROXY_HOST_INTERFACE", "127.0.0.1"),
    port: read.port("PROXY_GRPC_PORT", 9980),
    reflection: read.flag("PROXY_GRPC_REFLECTION_ENABLED", true),
    transcoding: read.flag("PROXY_GRPC_HTTP_TRANSCODING_ENABLED", true),
    descriptorFile: pathOf(read, "PROXY_PROTO_DESCRIPTOR_PATH", DESCRIPTOR_FILE),
    protoFolder: pathOf(read, "PROXY_GRPC_INCLUDE_PROTOS_PATH", PROTO_FOLDER),
  };
}

/** Whether there is anything to serve. */
export function servesServices(config: GrpcConfig | undefined): config is GrpcConfig {
  return config?.descriptorFile !== undefined || config?.protoFolder !== undefined;
}

function pathOf(read: Variables, name: string, otherwise: string): string | undefined {
  const given = read.find(name);
  if (given !== undefined && !existsSync(given)) throw refused(name, "a path that exists", given);
  if (given !== undefined) return given;
  return existsSync(otherwise) ? otherwise : undefined;
}
