/** Where the services come from: descriptor sets, folders of `.proto` files, and what is wrong with them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { compileProtoFolder } from "../src/grpc/proto-folder.ts";
import { readDescriptorSets } from "../src/grpc/descriptors.ts";
import { GrpcClient } from "./fixtures/grpc-client.ts";
import { scratch } from "./fixtures/proxy-process.ts";
import {
  SHOP_PROTOS,
  shopActions,
  shopActors,
  shopDescriptors,
  shopMethod,
} from "./fixtures/shop.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { TestHost } from "./fixtures/test-host.ts";

const add = shopMethod("Incrementor", "Add");

function write(path: string, content: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

describe("services", () => {
  test("are served from a descriptor set", async () => {
    await using directory = scratch();
    const file = directory.path("actors.binpb");
    writeFileSync(file, shopDescriptors);
    await using host = await TestHost.start(shopActions);
    await using proxy = await startTestProxy({
      USER_FUNCTION_PORT: `${host.port}`,
      PROXY_GRPC_PORT: "0",
      PROXY_PROTO_DESCRIPTOR_PATH: file,
    });
    await proxy.client.register(shopActors);
    using client = new GrpcClient(proxy.grpcPort!);
    expect(await client.call(add, { value: 2 })).toEqual({ total: "2" });
  });

  test("are served from a set and a folder together", async () => {
    await using directory = scratch();
    const file = directory.path("actors.binpb");
    writeFileSync(file, shopDescriptors);
    await using proxy = await startTestProxy({
      PROXY_GRPC_PORT: "0",
      PROXY_PROTO_DESCRIPTOR_PATH: file,
      PROXY_GRPC_INCLUDE_PROTOS_PATH: SHOP_PROTOS,
    });
    expect(proxy.grpcPort).toBeGreaterThan(0);
  });

  test("are not served when there are none, or they are not wanted", async () => {
    await using without = await startTestProxy({ PROXY_GRPC_PORT: "0" });
    expect(without.grpcPort).toBeUndefined();
    await using unwanted = await startTestProxy({
      PROXY_GRPC_SERVER_ENABLED: "false",
      PROXY_GRPC_INCLUDE_PROTOS_PATH: SHOP_PROTOS,
    });
    expect(unwanted.grpcPort).toBeUndefined();
  });

  test("change the settings of their actors, whatever the host registered", async () => {
    await using host = await TestHost.start(shopActions);
    const environment = { USER_FUNCTION_PORT: `${host.port}`, PROXY_GRPC_PORT: "0" };
    const cart = shopActors.filter(({ id }) => id?.name === "Cart");
    await using plain = await startTestProxy(environment);
    await plain.client.register(cart);
    expect(await plain.client.spawn([{ name: "joe", parent: "Cart" }])).toMatchObject({
      http: 400,
    });
    await using declared = await startTestProxy({
      ...environment,
      PROXY_GRPC_INCLUDE_PROTOS_PATH: SHOP_PROTOS,
    });
    await declared.client.register(cart);
    expect(await declared.client.spawn([{ name: "joe", parent: "Cart" }])).toMatchObject({
      http: 200,
    });
  });
});

describe("a folder of .proto files", () => {
  test("may have copies of what everybody imports, which are used then", async () => {
    await using directory = scratch();
    const folder = directory.path("protos");
    cpSync(SHOP_PROTOS, folder, { recursive: true });
    cpSync(join(import.meta.dirname, "../../../proto"), folder, { recursive: true });
    const old = `syntax = "proto3"; package spawn.actors; import "google/protobuf/descriptor.proto";
      message ActorOpts { int32 kind = 9; bool stateful = 2; string state_type = 1; int64 deactivate_timeout = 3; }
      extend google.protobuf.FieldOptions { bool actor_id = 9999; }
      extend google.protobuf.ServiceOptions { ActorOpts actor = 4890128; }`;
    write(join(folder, "spawn/actors/extensions.proto"), old);
    write(
      join(folder, "shop/counters.proto"),
      `syntax = "proto3"; package shop; import "spawn/actors/extensions.proto";
       service Old { option (spawn.actors.actor) = { kind: 2 }; }`,
    );
    write(join(folder, "library/library.proto"), `syntax = "proto3"; package library;`);
    const registry = readDescriptorSets([(await compileProtoFolder(folder))!]);
    expect(registry.getService("shop.Old")).toBeDefined();
    expect(registry.getMessage("spawn.actors.ActorOpts")?.fields).toHaveLength(4);
  });

  test("without any file has no services", async () => {
    await using directory = scratch();
    mkdirSync(directory.path("protos"));
    expect(await compileProtoFolder(directory.path("protos"))).toBeUndefined();
  });

  test("that does not compile is refused, with the place", async () => {
    await using directory = scratch();
    const folder = directory.path("protos");
    write(join(folder, "deep/broken.proto"), `syntax = "proto3";\nmessage {`);
    await expect(compileProtoFolder(folder)).rejects.toThrow(
      /^\[INVALID_ARGUMENT\] the .proto files in .* do not compile:\ndeep\/broken.proto:2:1:/,
    );
  });
});

describe("a proxy", () => {
  const program = join(import.meta.dirname, "../bin/spawn-proxy.js");

  /** Starts one that is not expected to live; answers its status and what it said. */
  async function fate(
    environment: Readonly<Record<string, string>>,
  ): Promise<{ readonly status: number; readonly said: string }> {
    const child = spawn(process.execPath, [program], {
      env: {
        PATH: process.env["PATH"],
        PROXY_HTTP_PORT: "0",
        PROXY_DATABASE_TYPE: "memory",
        ...environment,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const [said, [status]] = await Promise.all([text(child.stderr), once(child, "exit")]);
    return { status: status as number, said };
  }

  test("does not start when a path that was given leads to nothing", async () => {
    const { status, said } = await fate({ PROXY_GRPC_INCLUDE_PROTOS_PATH: "/nowhere" });
    expect(status).toBe(1);
    expect(said).toContain(
      `PROXY_GRPC_INCLUDE_PROTOS_PATH: expected a path that exists, got "/nowhere"`,
    );
  });

  test("does not start when its HTTP options make no sense", async () => {
    await using directory = scratch();
    const folder = directory.path("protos");
    write(
      join(folder, "a.proto"),
      `syntax = "proto3"; package a; import "google/api/annotations.proto"; import "spawn/actors/extensions.proto";
       service A { option (spawn.actors.actor) = {}; rpc Do(M) returns (M) { option (google.api.http) = {get: "/{x"}; } }
       message M { string x = 1; }`,
    );
    const { status, said } = await fate({
      PROXY_GRPC_INCLUDE_PROTOS_PATH: folder,
      PROXY_GRPC_PORT: "0",
    });
    expect(status).toBe(1);
    expect(said).toContain(`the option (google.api.http) of a.A.Do cannot be used`);
  });

  test("ends when its port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { status, said } = await fate({
      PROXY_GRPC_INCLUDE_PROTOS_PATH: SHOP_PROTOS,
      PROXY_GRPC_PORT: `${port}`,
    });
    other.close();
    expect(status).toBe(1);
    expect(said).toContain("EADDRINUSE");
    expect(said).toContain("choose another PROXY_HTTP_PORT or PROXY_GRPC_PORT");
  });
});
