/** The services, messages and options that users declared, from descriptor sets. */
import {
  create,
  createFileRegistry,
  equals,
  fromBinary,
  type DescFile,
  type FileRegistry,
} from "@bufbuild/protobuf";
import {
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { SpawnError } from "spawn-mesh/engine";
import { actorIdOption, HealthCheckActor, HttpRuleSchema, httpOption } from "spawn-mesh/protocol";

/** What a set may leave out: the files that everybody imports. */
const wellKnown: ReadonlyMap<string, DescFile> = new Map(
  [
    file_google_protobuf_any,
    file_google_protobuf_api,
    file_google_protobuf_descriptor,
    file_google_protobuf_duration,
    file_google_protobuf_empty,
    file_google_protobuf_field_mask,
    file_google_protobuf_source_context,
    file_google_protobuf_struct,
    file_google_protobuf_timestamp,
    file_google_protobuf_type,
    file_google_protobuf_wrappers,
    actorIdOption.file,
    ...actorIdOption.file.dependencies,
    HttpRuleSchema.file,
    httpOption.file,
    HealthCheckActor.file,
  ].map((file) => [file.proto.name, file]),
);

/**
 * The files of all descriptor sets (`protoc --descriptor_set_out`, `buf build`) and what they import.
 *
 * The same file may be in several sets. Imports of `google/protobuf`, `google/api` and `spawn/actors` may
 * be left out of a set.
 *
 * @throws SpawnError `INVALID_ARGUMENT` for bytes that are no set, an import that is in none of them, and
 * two files of one name that differ
 */
export function readDescriptorSets(sets: readonly Uint8Array[]): FileRegistry {
  const files = new Map<string, FileDescriptorProto>();
  for (const set of sets) {
    for (const file of decodeSet(set)) addFile(files, file);
  }
  for (const [name, file] of wellKnown) {
    if (!files.has(name)) files.set(name, file.proto);
  }
  try {
    const file = importsFirst(files);
    return createFileRegistry(create(FileDescriptorSetSchema, { file }));
  } catch (error) {
    throw refused("the descriptor sets cannot be used", error);
  }
}

function decodeSet(set: Uint8Array): readonly FileDescriptorProto[] {
  try {
    return fromBinary(FileDescriptorSetSchema, set).file;
  } catch (error) {
    throw refused(`a descriptor set of ${set.length} bytes cannot be read`, error);
  }
}

function addFile(files: Map<string, FileDescriptorProto>, file: FileDescriptorProto): void {
  const other = files.get(file.name);
  // Compilers of different ages say the same of these in different ways.
  if (other === undefined || wellKnown.has(file.name)) files.set(file.name, other ?? file);
  else if (!equals(FileDescriptorProtoSchema, other, file)) {
    throw refused(`two different files are called ${file.name}`);
  }
}

/** A registry is built of files whose imports are there already. */
function importsFirst(files: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const place = (name: string, importers: readonly string[]): void => {
    const file = files.get(name);
    const importer = importers.at(-1) ?? "a descriptor set";
    if (file === undefined)
      throw new Error(`${importer} imports ${name}, which is in none of them`);
    if (importers.includes(name)) throw new Error(`${name} imports itself`);
    if (ordered.has(file)) return;
    for (const imported of file.dependency) place(imported, [...importers, name]);
    ordered.add(file);
  };
  for (const name of files.keys()) place(name, []);
  return [...ordered];
}

function refused(what: string, cause?: unknown): SpawnError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new SpawnError(
    "INVALID_ARGUMENT",
    `${what}${why}. Make descriptor sets with: buf build -o actors.binpb, or protoc --include_imports --descriptor_set_out=actors.binpb`,
    { cause },
  );
}
