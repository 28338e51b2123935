/**
 * The reflection service of gRPC, in both versions that clients ask for.
 *
 * Files leave as they were read, byte for byte, with all options: what a client builds from them is what
 * this server serves. The versions differ in their package only, so one implementation serves both; the
 * older one is answered, and not listed.
 */
import { status, type Server } from "@grpc/grpc-js";
import {
  create,
  toBinary,
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { decodeMessage } from "spawn-mesh/protocol";
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
  type ServerReflectionRequest,
} from "./gen/grpc/reflection/v1/reflection_pb.ts";
import { addService } from "./grpc-methods.ts";
import type { ServiceOptions } from "./grpc-methods.ts";

const V1ALPHA = "grpc.reflection.v1alpha.ServerReflection";

/** Adds reflection to a server that serves these services besides, which these files declare. */
export function addReflection(
  server: Server,
  files: readonly DescFile[],
  {
    services,
    identify,
  }: Pick<ServiceOptions, "identify"> & { readonly services: readonly string[] },
): void {
  const index = indexOf([...files, ServerReflection.file]);
  const listed = [...services, ServerReflection.typeName].toSorted();
  for (const name of [ServerReflection.typeName, V1ALPHA]) {
    addService(
      server,
      [
        {
          method: ServerReflection.method.serverReflectionInfo,
          answer: async (message) => {
            const request = decodeMessage(ServerReflectionRequestSchema, message);
            const response = create(ServerReflectionResponseSchema, {
              validHost: request.host,
              originalRequest: request,
              messageResponse: answer(request.messageRequest, index, listed),
            });
            return toBinary(ServerReflectionResponseSchema, response);
          },
        },
      ],
      { name, identify },
    );
  }
}

interface Index {
  readonly byName: ReadonlyMap<string, DescFile>;
  /** Every type, service, method, field, enum value and extension, by its full name. */
  readonly bySymbol: ReadonlyMap<string, DescFile>;
  /** For each message that is extended, who does it under which number. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, DescFile>>;
}

type Answer = Exclude<
  MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"],
  undefined
>;

function answer(
  request: ServerReflectionRequest["messageRequest"],
  { byName, bySymbol, extensions }: Index,
  services: readonly string[],
): Answer {
  switch (request.case) {
    case "listServices": {
      const service = services.map((name) => ({ name }));
      return { case: "listServicesResponse", value: { service } };
    }
    case "fileByFilename":
      return fileOr(byName.get(request.value), `file ${request.value}`);
    case "fileContainingSymbol":
      return fileOr(bySymbol.get(request.value), `symbol ${request.value}`);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = request.value;
      const file = extensions.get(containingType)?.get(extensionNumber);
      return fileOr(file, `extension ${extensionNumber} of ${containingType}`);
    }
    case "allExtensionNumbersOfType": {
      const baseTypeName = request.value;
      if (!bySymbol.has(baseTypeName)) return notFound(`type ${baseTypeName}`);
      const extensionNumber = [...(extensions.get(baseTypeName)?.keys() ?? [])];
      return { case: "allExtensionNumbersResponse", value: { baseTypeName, extensionNumber } };
    }
    case undefined:
      return failure(status.INVALID_ARGUMENT, "the request asks for nothing");
  }
}

function fileOr(file: DescFile | undefined, what: string): Answer {
  if (file === undefined) return notFound(what);
  const fileDescriptorProto = [...withImports(file)].map((each) =>
    toBinary(FileDescriptorProtoSchema, each.proto),
  );
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function withImports(file: DescFile, found: Set<DescFile> = new Set()): ReadonlySet<DescFile> {
  if (!found.has(file)) {
    found.add(file);
    for (const imported of file.dependencies) withImports(imported, found);
  }
  return found;
}

function notFound(what: string): Answer {
  return failure(status.NOT_FOUND, `there is no ${what}`);
}

function failure(errorCode: status, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

function indexOf(files: readonly DescFile[]): Index {
  const bySymbol = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();
  for (const file of files) {
    for (const type of nestedTypes(file)) {
      for (const symbol of symbolsOf(type)) bySymbol.set(symbol, file);
      if (type.kind !== "extension") continue;
      const numbers = extensions.get(type.extendee.typeName) ?? new Map<number, DescFile>();
      extensions.set(type.extendee.typeName, numbers.set(type.number, file));
    }
  }
  return { byName: new Map(files.map((file) => [file.proto.name, file])), bySymbol, extensions };
}

function symbolsOf(type: DescMessage | DescEnum | DescExtension | DescService): readonly string[] {
  const within = (members: readonly { readonly name: string }[]) =>
    members.map(({ name }) => `${type.typeName}.${name}`);
  switch (type.kind) {
    case "message":
      return [type.typeName, ...within(type.fields), ...within(type.oneofs)];
    case "enum": {
      // The values of an enum are beside it, not in it.
      const scope = type.typeName.slice(0, -type.name.length);
      return [type.typeName, ...type.values.map(({ name }) => scope + name)];
    }
    case "service":
      return [type.typeName, ...within(type.methods)];
    case "extension":
      return [type.typeName];
  }
}
