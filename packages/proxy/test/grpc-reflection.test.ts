/** What clients learn of a server without having its `.proto` files: `grpcurl list`, `describe`, health. */
import { status } from "@grpc/grpc-js";
import {
  createFileRegistry,
  fromBinary,
  getOption,
  hasOption,
  type JsonObject,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  actorIdOption,
  actorOption,
  HealthCheckActor,
  httpOption,
  Kind,
} from "spawn-mesh/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Health } from "../src/grpc/gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../src/grpc/gen/grpc/reflection/v1/reflection_pb.ts";
import { startShop } from "./fixtures/shop-proxy.ts";
import type { Shop } from "./fixtures/shop-proxy.ts";

const info = ServerReflection.method.serverReflectionInfo;
const services = [
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
];

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(async () => await shop[Symbol.asyncDispose]());

/** The answer to one question. */
async function asked(question: JsonObject, service = services[0]!): Promise<JsonObject> {
  const { replies, failure } = await shop.grpc.exchange(info, [question], { service });
  expect(failure).toBeUndefined();
  expect(replies).toHaveLength(1);
  return replies[0]!;
}

describe.each(services)("%s", (service) => {
  test("lists what is served, itself included", async () => {
    expect(await asked({ listServices: "*" }, service)).toMatchObject({
      listServicesResponse: {
        service: [
          "shop.Incrementor",
          "shop.Cart",
          "shop.Unregistered",
          "library.Library",
          "spawn.actors.healthcheck.HealthCheckActor",
          "grpc.health.v1.Health",
          "grpc.reflection.v1.ServerReflection",
        ]
          .toSorted()
          .map((name) => ({ name })),
      },
    });
  });

  test("gives files with all that they import and all their options", async () => {
    const answer = await asked({ fileContainingSymbol: "shop.Cart" }, service);
    const files = (answer as { fileDescriptorResponse: { fileDescriptorProto: string[] } })
      .fileDescriptorResponse.fileDescriptorProto;
    const [file, ...imports] = files.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, Buffer.from(bytes, "base64")),
    );
    const registry = createFileRegistry(file!, (name) =>
      imports.find((imported) => imported.name === name),
    );
    const cart = registry.getService("shop.Cart")!;
    expect(getOption(cart, actorOption).kind).toBe(Kind.UNNAMED);
    expect(hasOption(cart.methods[0]!, httpOption)).toBe(true);
    expect(getOption(cart.methods[0]!.input.fields[0]!, actorIdOption)).toBe(true);
  });
});

describe("reflection", () => {
  test.each([
    { fileByFilename: "shop/counters.proto" },
    { fileContainingSymbol: "shop.Incrementor.Add" },
    { fileContainingSymbol: "shop.PutRequest.user" },
    { fileContainingSymbol: "library.GENRE_POEM" },
    { fileContainingSymbol: "library.Genre" },
    { fileContainingSymbol: "library.Book.owner" },
    { fileContainingSymbol: "spawn.actors.actor_id" },
    { fileContainingSymbol: "grpc.health.v1.Health" },
    { fileContainingSymbol: "grpc.reflection.v1.ServerReflection" },
    {
      fileContainingExtension: {
        containingType: "google.protobuf.ServiceOptions",
        extensionNumber: 4890128,
      },
    },
  ])("finds %j", async (question) => {
    expect(await asked(question)).toHaveProperty("fileDescriptorResponse");
  });

  test("knows the extensions of a type", async () => {
    expect(
      await asked({ allExtensionNumbersOfType: "google.protobuf.FieldOptions" }),
    ).toMatchObject({
      allExtensionNumbersResponse: {
        baseTypeName: "google.protobuf.FieldOptions",
        extensionNumber: [9999, 4890129],
      },
    });
  });

  test.each([
    { fileByFilename: "nothing.proto" },
    { fileByFilename: "__proto__" },
    { fileContainingSymbol: "constructor" },
    { fileContainingSymbol: "" },
    { fileContainingExtension: { containingType: "a", extensionNumber: 1 } },
    { allExtensionNumbersOfType: "toString" },
  ])("says that it does not know %j, and goes on", async (question) => {
    const { replies } = await shop.grpc.exchange(info, [question, { listServices: "" }]);
    expect(replies[0]).toMatchObject({ errorResponse: { errorCode: status.NOT_FOUND } });
    expect(replies[1]).toHaveProperty("listServicesResponse");
  });

  test("can be turned off", async () => {
    await using closed = await startShop({}, { PROXY_GRPC_REFLECTION_ENABLED: "false" });
    const { failure } = await closed.grpc.exchange(info, [{ listServices: "" }]);
    expect(failure).toMatchObject({ code: status.UNIMPLEMENTED });
  });
});

describe("health", () => {
  test("is asked for the server and for each service", async () => {
    for (const service of ["", "shop.Cart", "grpc.health.v1.Health"]) {
      expect(await shop.grpc.call(Health.method.check, { service })).toEqual({ status: "SERVING" });
    }
    await expect(shop.grpc.call(Health.method.check, { service: "nobody" })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    });
  });

  test("of Spawn is a service and two paths", async () => {
    const { liveness, readiness } = HealthCheckActor.method;
    for (const method of [liveness, readiness]) {
      expect(await shop.grpc.call(method, {})).toMatchObject({ status: { status: "up" } });
      const answer = await fetch(`${shop.url}/health/${method.name.toLowerCase()}`);
      expect(await answer.json()).toMatchObject({ status: { status: "up" } });
    }
  });
});
