import { describe, expect, test } from "vitest";
import { readConfig } from "./config.ts";
import type { Environment } from "./variables.ts";

const key = Buffer.alloc(32, 7).toString("base64");

function refusalOf(environment: Environment): string {
  try {
    readConfig(environment);
    return "nothing was refused";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("the configuration", () => {
  test("without any variable is that of a sidecar on this machine", () => {
    expect(readConfig({})).toMatchObject({
      system: "spawn-system",
      listen: { host: "127.0.0.1", port: 9001 },
      host: { host: "127.0.0.1", port: 8090 },
      store: { kind: "file", file: ".spawn/state.db" },
      encryption: undefined,
      durability: "durable",
      clearsTags: false,
    });
    expect(Object.isFrozen(readConfig({}))).toBe(true);
  });

  test("takes Spawn's names, and an empty variable for one that is not set", () => {
    const config = readConfig({
      PROXY_ACTOR_SYSTEM_NAME: "shop",
      PROXY_HTTP_PORT: "9003",
      PROXY_HOST_INTERFACE: "0.0.0.0",
      USER_FUNCTION_HOST: "0.0.0.0",
      USER_FUNCTION_PORT: "8091",
      SPAWN_ALLOW_ANYONE_ON_THE_NETWORK: "true",
      PROXY_UDS_ENABLED: "",
    });
    expect(config).toMatchObject({
      system: "shop",
      listen: { host: "0.0.0.0", port: 9003 },
      host: { host: "127.0.0.1", port: 8091 },
    });
  });

  test("listens at a socket instead of a port when it is told to", () => {
    const socket = { PROXY_UDS_ENABLED: "true", PROXY_UDS_ADDRESS: "/tmp/spawn.sock" };
    expect(readConfig(socket).listen).toEqual({ path: "/tmp/spawn.sock", mode: 0o600 });
    expect(readConfig({ PROXY_UDS_ENABLED: "true" }).listen).toMatchObject({
      path: "/var/run/spawn.sock",
    });
  });

  test("knows several hosts by name", () => {
    const { namedHosts } = readConfig({
      SPAWN_HOSTS: "python=127.0.0.1:8091, java=8092,x=[::1]:1",
    });
    expect([...namedHosts]).toEqual([
      ["python", { host: "127.0.0.1", port: 8091 }],
      ["java", { host: "127.0.0.1", port: 8092 }],
      ["x", { host: "::1", port: 1 }],
    ]);
  });

  test.each([
    ["postgres", "postgres://admin:s%40cret@db:5432/eigr-functions-db"],
    ["Postgres", "postgres://admin:s%40cret@db:5432/eigr-functions-db"],
    ["MariaDB", "mariadb://admin:s%40cret@db:3306/eigr-functions-db"],
    ["mysql", "mysql://admin:s%40cret@db:3306/eigr-functions-db"],
    ["CockroachDB", "cockroachdb://admin:s%40cret@db:26257/eigr-functions-db"],
    ["MSSQL", "mssql://admin:s%40cret@db:1433/eigr-functions-db"],
  ])("keeps actors in a database of type %s", (type, url) => {
    const server = { PROXY_DATABASE_SECRET: "s@cret", PROXY_DATABASE_HOST: "db" };
    const { store } = readConfig({ PROXY_DATABASE_TYPE: type, ...server });
    expect(store).toEqual({ kind: "server", url, connectionsMax: 8 });
  });

  test("asks for TLS in the words of the database", () => {
    const postgres = { PROXY_DATABASE_TYPE: "postgres", PROXY_DATABASE_SSL: "true" };
    expect(readConfig(postgres).store).toMatchObject({
      url: expect.stringMatching(/\?sslmode=no-verify$/) as string,
    });
    expect(readConfig({ ...postgres, PROXY_DATABASE_SSL_VERIFY: "true" }).store).toMatchObject({
      url: expect.stringMatching(/\?sslmode=require$/) as string,
    });
  });

  test("keeps actors in a file, under both names that this has", () => {
    for (const type of ["sqlite", "native"]) {
      const file = { PROXY_DATABASE_TYPE: type, PROXY_DATABASE_NAME: "/data/state.db" };
      expect(readConfig(file).store).toEqual({ kind: "file", file: "/data/state.db" });
    }
  });

  test("has the key of the statestore", () => {
    expect(readConfig({ SPAWN_STATESTORE_KEY: key }).encryption).toEqual({ keys: { spawn: key } });
  });

  test.each([
    ["PROXY_HTTP_PORT", "80a", 'expected a whole number from 0 to 65535, got "80a"'],
    ["PROXY_HTTP_PORT", "65536", 'expected a whole number from 0 to 65535, got "65536"'],
    ["PROXY_HTTP_PORT", "-1", 'expected a whole number from 0 to 65535, got "-1"'],
    ["USER_FUNCTION_PORT", " 8090", 'expected a whole number from 0 to 65535, got " 8090"'],
    ["PROXY_UDS_ENABLED", "yes", 'expected true or false, got "yes"'],
    ["PROXY_DATABASE_TYPE", "mongodb", "expected one of memory, sqlite, native, postgres"],
    ["SPAWN_DURABILITY", "fast", 'expected durable or write-behind, got "fast"'],
    ["SPAWN_EMPTY_TAGS", "no", 'expected keep or clear, got "no"'],
    ["SPAWN_HOSTS", "python", "expected NAME=HOST:PORT or NAME=PORT"],
    ["SPAWN_HOSTS", "python=a:0", "expected NAME=HOST:PORT or NAME=PORT"],
    ["SPAWN_PROXY_LOGGER_LEVEL", "loud", "expected debug or info or warning or error"],
    ["SPAWN_STATESTORE_KEY", "short", "expected 32 bytes as base64"],
  ])("refuses %s=%s with what was expected and what came", (name, value, message) => {
    expect(refusalOf({ [name]: value })).toContain(`${name}: ${message}`);
  });

  test("shows no part of a key that it refuses", () => {
    const secret = key.slice(0, 40);
    expect(refusalOf({ SPAWN_STATESTORE_KEY: secret })).not.toContain(secret.slice(0, 8));
  });
});
