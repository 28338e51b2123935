/** The server itself: sockets, limits, readiness, and the end. */
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { InvocationResponseSchema, SpawnResponseSchema, Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { add, counter, one } from "./fixtures/counter.ts";
import { ProxyProcess, scratch } from "./fixtures/proxy-process.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { TestHost } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { jsonIn, jsonPayload } from "./fixtures/values.ts";

describe("a Unix socket", () => {
  test("serves instead of a port, also where a killed proxy has left its own", async () => {
    await using files = scratch();
    await using host = await TestHost.start({ add });
    const environment = {
      USER_FUNCTION_PORT: `${host.port}`,
      PROXY_DATABASE_NAME: files.path("state.db"),
      PROXY_UDS_ENABLED: "true",
      PROXY_UDS_ADDRESS: files.path("spawn.sock"),
    };
    for (const total of [1, 2]) {
      await using proxy = await ProxyProcess.start(environment);
      expect(proxy.address).toMatchObject({ path: files.path("spawn.sock") });
      await proxy.client.register([counter("incrementor")]);
      expect(jsonIn(await proxy.client.invoke("incrementor", "add", one))).toEqual({ total });
      await proxy.kill("SIGKILL");
    }
  });

  test("does not take the place of a file that is no socket", async () => {
    await using files = scratch();
    const path = files.path("notes.txt");
    writeFileSync(path, "keep me");
    await expect(
      startTestProxy({ PROXY_UDS_ENABLED: "true", PROXY_UDS_ADDRESS: path }),
    ).rejects.toThrow("EADDRINUSE");
    expect(readFileSync(path, "utf8")).toBe("keep me");
  });

  test("of a proxy that runs is not taken away", async () => {
    await using files = scratch();
    const socket = { PROXY_UDS_ENABLED: "true", PROXY_UDS_ADDRESS: files.path("spawn.sock") };
    await using proxy = await startTestProxy(socket);
    await expect(startTestProxy(socket)).rejects.toThrow("EADDRINUSE");
    expect((await proxy.client.send("GET", "/health")).status).toBe(200);
  });
});

describe("a body", () => {
  test("that is too large is refused in words that can be decoded", async () => {
    await using proxy = await startTestProxy({ SPAWN_BODY_BYTES_MAX: "10000" });
    for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
      const path = "/api/v1/system/spawn-system/actors/x/invoke";
      const answer = await proxy.client.post(path, Buffer.alloc(10_001), headers);
      expect(answer.status).toBe(413);
      expect(answer.headers["spawn-error"]).toBe("PAYLOAD_TOO_LARGE");
      const { status } = fromBinary(InvocationResponseSchema, answer.body);
      expect(status?.status).toBe(Status.ERROR);
    }
    expect((await proxy.client.send("GET", "/health")).status).toBe(200);
  });

  test("that is no message is refused on every route", async () => {
    await using proxy = await startTestProxy();
    for (const path of [
      "/api/v1/system",
      "/api/v1/system/spawn-system/actors/spawn",
      "/api/v1/system/spawn-system/actors/x/invoke",
    ]) {
      const answer = await proxy.client.post(path, Buffer.from("{}"));
      expect([answer.status, answer.headers["spawn-error"]]).toEqual([400, "INVALID_ARGUMENT"]);
      expect(fromBinary(SpawnResponseSchema, answer.body).status?.status).toBe(Status.ERROR);
    }
  });

  test("that does not come to its end is not kept beside any number of others", async () => {
    await using proxy = await startTestProxy({ SPAWN_BODY_BYTES_MAX: "10000" });
    const { port } = proxy.address as { readonly port: number };
    const answers: string[] = [];
    const head = "POST /api/v1/system HTTP/1.1\r\nhost: x\r\ncontent-length: 10000\r\n\r\n";
    const sockets = Array.from({ length: 50 }, () => {
      const socket = connect(port, "127.0.0.1", () => socket.write(`${head}${"x".repeat(9_000)}`));
      socket.on("data", (bytes: Buffer) => answers.push(bytes.toString("latin1")));
      return socket.on("error", () => undefined);
    });
    await until(() => answers.length > 0);
    expect(answers[0]).toMatch(/^HTTP\/1.1 429 [^]*spawn-error: OVERLOADED\r\n/);
    await until(() => answers.length === 15);
    for (const socket of sockets) socket.destroy();
    await until(async () => {
      const { status } = await proxy.client.post("/api/v1/system", Buffer.alloc(9_000, 0x0a));
      return status !== 429;
    });
  });

  test("of several megabytes goes to the host and back", async () => {
    await using host = await TestHost.start({ echo: ({ payload }) => ({ payload }) });
    await using proxy = await startTestProxy({ USER_FUNCTION_PORT: `${host.port}` });
    await proxy.client.register([counter("echo", { actions: [{ name: "echo" }] })]);
    const text = "ä".repeat(3_000_000);
    const answer = await proxy.client.invoke("echo", "echo", { payload: jsonPayload(text) });
    expect(jsonIn(answer) === text).toBe(true);
  });
});

describe("what the proxy keeps for itself", () => {
  const ownName = "<registered>";

  test("cannot be registered, called or sent anything by hosts and clients", async () => {
    await using host = await TestHost.start({
      send: () => ({
        workflow: {
          effects: [
            {
              request: {
                actor: { id: { name: "incrementor", parent: ownName } },
                actionName: "put",
                payload: jsonPayload({ key: "x" }),
              },
            },
          ],
        },
      }),
      add,
    });
    await using proxy = await startTestProxy({ USER_FUNCTION_PORT: `${host.port}` });
    const { client } = proxy;
    await client.register([counter("sender", { actions: [{ name: "send" }] })]);
    const registered = await client.register([counter(ownName)]);
    expect(registered.headers["spawn-error"]).toBe("INVALID_ARGUMENT");
    for (const id of [
      { name: ownName },
      { name: "sender", parent: ownName },
      { name: "x", parent: ownName },
    ]) {
      const { headers } = await client.invoke("x", "put", { ...one, actor: { id } });
      expect(headers["spawn-error"]).toMatch(/_NOT_FOUND$/);
    }
    const spawned = { ...one, registerRef: ownName };
    expect((await client.invoke("x", "put", spawned)).headers["spawn-error"]).toBe(
      "ACTOR_NOT_FOUND",
    );
    const sent = await client.invoke("sender", "send");
    expect(sent.headers["spawn-error"]).toBe("ACTION_FAILED");
    expect(sent.status?.message).toContain('does not begin with "<"');
  });
});

describe("what is no request", () => {
  test("is answered with a status of the protocol, and the connection ends", async () => {
    await using proxy = await startTestProxy();
    const { port } = proxy.address as { readonly port: number };
    const received = await new Promise<Buffer>((resolve) => {
      const chunks: Buffer[] = [];
      const socket = connect(port, "127.0.0.1", () => socket.write("what is this?\r\n\r\n"));
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("end", () => resolve(Buffer.concat(chunks)));
    });
    const bodyAt = received.indexOf("\r\n\r\n") + 4;
    expect(received.toString("latin1")).toMatch(/^HTTP\/1.1 400 /);
    const { status } = fromBinary(SpawnResponseSchema, received.subarray(bodyAt));
    expect(status?.status).toBe(Status.ERROR);
  });
});

describe("a proxy that is told to end", () => {
  test("is not ready, refuses what is new, and answers what has begun", async () => {
    let goOn: (() => void) | undefined;
    await using host = await TestHost.start({
      async add(invocation) {
        await new Promise<void>((resolve) => (goOn = resolve));
        return add(invocation);
      },
    });
    await using proxy = await startTestProxy({
      USER_FUNCTION_PORT: `${host.port}`,
      SPAWN_DRAIN_TIMEOUT_MS: "5000",
    });
    const { client } = proxy;
    await client.register([counter("incrementor")]);
    const calling = client.invoke("incrementor", "add", one);
    await until(() => goOn !== undefined);
    const stopping = proxy.stop();
    await sleep(20);
    const ready = await client.send("GET", "/health/readiness");
    expect([ready.status, ready.body.toString()]).toEqual([503, '{"status":"down"}']);
    expect((await client.send("GET", "/health/liveness")).status).toBe(200);
    const refused = await client.invoke("incrementor", "get");
    expect(refused.headers["spawn-error"]).toBe("SHUTTING_DOWN");
    expect([refused.http, refused.status?.status]).toEqual([503, Status.ERROR]);
    expect((await client.register([counter("late")])).headers["spawn-error"]).toBe("SHUTTING_DOWN");
    goOn!();
    expect(jsonIn(await calling)).toEqual({ total: 1 });
    await stopping;
  });

  test("does not wait for who has sent half a request", { timeout: 20_000 }, async () => {
    await using files = scratch();
    await using proxy = await ProxyProcess.start({ PROXY_DATABASE_NAME: files.path("state.db") });
    const { port } = proxy.address as { readonly port: number };
    const body = "content-length: 100\r\n\r\nabc";
    const sent = ["", "POST /api/v1/sys", `POST /api/v1/system HTTP/1.1\r\nhost: x\r\n${body}`];
    const sockets = sent.map((text) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(text));
      return socket.on("error", () => undefined);
    });
    await sleep(200);
    const hanging = sleep(15_000, "it hangs", { ref: false });
    expect(await Promise.race([proxy.kill("SIGTERM"), hanging])).toBe(0);
    for (const socket of sockets) socket.destroy();
  });

  test("ends with status 0, and has said so in its log", async () => {
    await using files = scratch();
    const database = { PROXY_DATABASE_NAME: files.path("state.db") };
    await using proxy = await ProxyProcess.start(database);
    expect(await proxy.kill("SIGTERM")).toBe(0);
  });
});

describe("a proxy that cannot start", () => {
  test("says what is wrong, and ends", async () => {
    const starting = ProxyProcess.start({ PROXY_HTTP_PORT: "nine thousand" });
    await expect(starting).rejects.toThrow("PROXY_HTTP_PORT: expected a whole number");
  });

  test("refuses a database without a key", async () => {
    const database = { PROXY_DATABASE_TYPE: "postgres" };
    await expect(ProxyProcess.start(database)).rejects.toThrow("[INVALID_ARGUMENT]");
  });
});
