/** What users declare in their `.proto` files: services that are actors. */
import { readFile } from "node:fs/promises";
import type { DescService, FileRegistry } from "@bufbuild/protobuf";
import type { ActorOpts } from "spawn-mesh/protocol";
import type { GrpcConfig } from "./grpc-config.ts";
import { actorOptions, actorServices } from "./actor-options.ts";
import { readDescriptorSets } from "./descriptors.ts";
import { compileProtoFolder } from "./proto-folder.ts";

export interface DeclaredActors {
  readonly registry: FileRegistry;
  readonly services: readonly DescService[];
  /** What the services say about their actors, by the name of the actor. */
  readonly options: ReadonlyMap<string, ActorOpts>;
}

/**
 * The services with the option `(spawn.actors.actor)` in the configured files.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for files that cannot be used
 */
export async function declaredActors(config: GrpcConfig | undefined): Promise<DeclaredActors> {
  const registry = readDescriptorSets(config === undefined ? [] : await descriptorSets(config));
  const services = actorServices(registry);
  return { registry, services, options: actorOptions(services) };
}

async function descriptorSets({
  descriptorFile,
  protoFolder,
}: GrpcConfig): Promise<readonly Uint8Array[]> {
  const file = descriptorFile && (await readFile(descriptorFile));
  const folder = protoFolder && (await compileProtoFolder(protoFolder));
  return [file, folder].filter((set) => set instanceof Uint8Array);
}
