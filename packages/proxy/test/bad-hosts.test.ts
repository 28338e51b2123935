/**
 * Hosts that answer late, never, nonsense or nothing, and hosts that die: what the caller is told is true,
 * the state is as it was, and the next call works.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  ActorInvocationResponseSchema,
  JSONTypeSchema,
  ProgramSchema,
  RegistrationRequestSchema,
  Status,
} from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { add, counter, one } from "./fixtures/counter.ts";
import { scratch } from "./fixtures/proxy-process.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import type { TestProxy } from "./fixtures/start-proxy.ts";
import { startWithHost } from "./fixtures/start-with-host.ts";
import { TestHost } from "./fixtures/test-host.ts";
import type { HostAction, RawAnswer } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { json, jsonIn, jsonPayload, opaque } from "./fixtures/values.ts";

const hurried = { ...one, metadata: { "request-timeout": "200" } };

/** A proxy with a host whose actor has been called once. */
async function start(actions: Readonly<Record<string, HostAction>> = { add }, environment = {}) {
  const started = await startWithHost(actions, environment);
  const names = Object.keys(actions).map((name) => ({ name }));
  await started.client.register([counter("incrementor", { actions: names })]);
  await started.client.invoke("incrementor", "add", one);
  return started;
}

type Running = Awaited<ReturnType<typeof start>>;

/** The state is still that of the call that {@link start} made, and the next call goes on from there. */
async function expectUnharmed({ host, client }: Running): Promise<void> {
  host.raw = undefined;
  expect(jsonIn(await client.invoke("incrementor", "get"))).toEqual({ total: 1 });
  expect(jsonIn(await client.invoke("incrementor", "add", one))).toEqual({ total: 2 });
}

function answer(init: object): Uint8Array {
  return toBinary(ActorInvocationResponseSchema, create(ActorInvocationResponseSchema, init));
}

const good = answer({ actorName: "incrementor", updatedContext: { state: json({ total: 99 }) } });
const notJson = toBinary(JSONTypeSchema, create(JSONTypeSchema, { content: "{no" }));
const brokenJson = { ...opaque("spawn.JSONType"), value: notJson };

/** Answers of HTTP that no action can have meant. */
const nonsense: Readonly<Record<string, RawAnswer>> = {
  nothing: (response) => response.end(),
  "status 400 and nothing, as the Node SDK when a handler throws": (response) =>
    response.writeHead(400).end(),
  "a page for people": (response) =>
    response.writeHead(500, { "content-type": "text/html" }).end("<html>500 Internal</html>"),
  garbage: (response) => response.end(Buffer.from([255, 254, 253, 0, 1, 2, 3])),
  "an answer without a context, as SDKs do in errors": (response) =>
    response.end(answer({ actorName: "incrementor", payload: jsonPayload({ total: 9 }) })),
  "the answer of another actor": (response) =>
    response.end(answer({ actorName: "somebody", updatedContext: { state: json({ total: 9 }) } })),
  "a state of another type": (response) =>
    response.end(answer({ updatedContext: { state: opaque("shop.Cart", 1) } })),
  "a state that says JSON and is none": (response) =>
    response.end(answer({ updatedContext: { state: brokenJson } })),
  "an answer that says JSON and is none": (response) =>
    response.end(
      answer({
        updatedContext: { state: json({ total: 9 }) },
        payload: { case: "value", value: brokenJson },
      }),
    ),
  "an Any that claims to be JSONType with bytes that are none": (response) =>
    response.end(answer({ updatedContext: { state: opaque("spawn.JSONType", 255, 255) } })),
  "half a message": (response) => response.end(good.subarray(0, good.length - 3)),
  "16 MiB": (response) => response.end(Buffer.alloc(16 * 1024 * 1024)),
  "16 MiB in chunks": (response) => {
    for (let part = 0; part < 16; part++) response.write(Buffer.alloc(1024 * 1024));
    response.end();
  },
  "a pipe to nobody": (response) =>
    response.end(
      answer({
        updatedContext: { state: json({ total: 9 }) },
        workflow: { routing: { case: "pipe", value: { actor: "nobody", actionName: "x" } } },
      }),
    ),
  "an effect that names no action": (response) =>
    response.end(
      answer({
        updatedContext: { state: json({ total: 9 }) },
        workflow: { effects: [{ request: { actor: { id: { name: "x" } } } }] },
      }),
    ),
  "a broadcast to a channel without a name": (response) =>
    response.end(
      answer({ updatedContext: { state: json({ total: 9 }) }, workflow: { broadcast: {} } }),
    ),
};

/** Answers below HTTP. */
const broken: Readonly<Record<string, { readonly raw: RawAnswer; readonly code: string }>> = {
  "a connection that is closed instead of an answer": {
    raw: (response) => response.destroy(),
    code: "HOST_UNAVAILABLE",
  },
  "half a body, and then the connection is closed": {
    raw: (response) => {
      response.writeHead(200, { "content-length": good.length });
      response.write(good.subarray(0, 10), () => response.destroy());
    },
    code: "HOST_UNAVAILABLE",
  },
  "no HTTP": {
    raw: (response) => response.socket?.end("220 smtp.example ESMTP\r\n\r\n"),
    code: "ACTION_FAILED",
  },
  "two lengths": {
    raw: (response) =>
      response.socket?.end("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
    code: "ACTION_FAILED",
  },
  "a chunk that is no chunk": {
    raw: (response) =>
      response.socket?.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
    code: "ACTION_FAILED",
  },
};

describe("a host that answers", () => {
  for (const [what, raw] of Object.entries(nonsense)) {
    test(`${what} has failed, and nothing has changed`, async () => {
      await using t = await start();
      t.host.raw = raw;
      const failed = await t.client.invoke("incrementor", "add", one);
      expect(failed.status?.status).toBe(Status.ERROR);
      expect(failed.status?.message).not.toBe("");
      expect(failed.headers).toMatchObject({
        "spawn-error": "ACTION_FAILED",
        "spawn-applied": "no",
      });
      expect(failed.http).toBe(500);
      await expectUnharmed(t);
    });
  }

  for (const [what, { raw, code }] of Object.entries(broken)) {
    test(`${what} has failed, and nothing has changed`, async () => {
      await using t = await start();
      t.host.raw = raw;
      const failed = await t.client.invoke("incrementor", "add", one);
      expect(failed.headers).toMatchObject({ "spawn-error": code, "spawn-applied": "no" });
      await expectUnharmed(t);
    });
  }

  test("in HTTP/1.0, without a length, as Flask does, is understood", async () => {
    await using t = await start();
    t.host.raw = (response) => {
      response.socket?.write("HTTP/1.0 200 OK\r\ncontent-type: x\r\n\r\n");
      response.socket?.end(good);
    };
    const { status } = await t.client.invoke("incrementor", "add", one);
    expect(status?.status).toBe(Status.OK);
    expect(jsonIn(await t.client.invoke("incrementor", "get"))).toEqual({ total: 99 });
  });

  test("in chunks, byte by byte, is understood", async () => {
    await using t = await start();
    t.host.raw = (response) => {
      void (async () => {
        for (const byte of good) {
          response.write(Buffer.of(byte));
          if (byte % 8 === 0) await sleep(1);
        }
        response.end();
      })();
    };
    const { status } = await t.client.invoke("incrementor", "add", one);
    expect(status?.status).toBe(Status.OK);
    expect(jsonIn(await t.client.invoke("incrementor", "get"))).toEqual({ total: 99 });
  });
});

describe("a host that takes its time", () => {
  test("is waited for until the deadline, and what it answers later is nothing", async () => {
    await using t = await start();
    t.host.raw = (response) => setTimeout(() => response.end(good), 500);
    const late = await t.client.invoke("incrementor", "add", hurried);
    expect(late.headers).toMatchObject({
      "spawn-error": "DEADLINE_EXCEEDED",
      "spawn-applied": "no",
    });
    expect(late.http).toBe(504);
    await sleep(400);
    await expectUnharmed(t);
  });

  test("for ever does not keep the next caller waiting", async () => {
    await using t = await start();
    t.host.raw = () => undefined;
    const began = performance.now();
    await t.client.invoke("incrementor", "add", hurried);
    await expectUnharmed(t);
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  test("is not asked in vain by callers who have given up", async () => {
    await using t = await start();
    t.host.raw = () => undefined;
    const patient = { ...one, metadata: { "request-timeout": "1000" } };
    const first = t.client.invoke("incrementor", "add", patient);
    await until(() => t.host.requests.length === 2);
    const others = Array.from({ length: 5 }, () => t.client.invoke("incrementor", "add", hurried));
    for (const { headers } of await Promise.all([first, ...others])) {
      expect(headers["spawn-error"]).toBe("DEADLINE_EXCEEDED");
    }
    expect(t.host.requests.length).toBe(2);
    await expectUnharmed(t);
  });
});

describe("a host that dies", () => {
  test("while it runs an action has changed nothing, and goes on when it is back", async () => {
    await using t = await start();
    t.host.raw = () => void t.host.kill();
    const failed = await t.client.invoke("incrementor", "add", one);
    expect(failed.headers).toMatchObject({
      "spawn-error": "HOST_UNAVAILABLE",
      "spawn-applied": "no",
    });
    expect(failed.http).toBe(503);
    await until(() => !t.host.isListening);
    await t.host.listen();
    await expectUnharmed(t);
  });

  test("and is not there is said within a second or so, and the state can be read", async () => {
    await using t = await start();
    await t.host.kill();
    const began = performance.now();
    const failed = await t.client.invoke("incrementor", "add", one);
    expect(failed.headers).toMatchObject({
      "spawn-error": "HOST_UNAVAILABLE",
      "spawn-applied": "no",
    });
    expect(performance.now() - began).toBeLessThan(4_000);
    expect(jsonIn(await t.client.invoke("incrementor", "get"))).toEqual({ total: 1 });
    await t.host.listen();
    await expectUnharmed(t);
  });

  test("and restarts in the middle of a call is not noticed", async () => {
    await using t = await start();
    await t.host.kill();
    const calling = t.client.invoke("incrementor", "add", one);
    await sleep(150);
    await t.host.listen();
    expect(jsonIn(await calling)).toEqual({ total: 2 });
  });

  test("and is started again elsewhere gets all calls that were waiting", async () => {
    await using t = await start();
    await t.host.kill();
    const calling = Array.from({ length: 10 }, () => t.client.invoke("incrementor", "add", one));
    await sleep(150);
    await using again = await TestHost.start({ add });
    await t.client.register([counter("incrementor")], { port: again.port });
    const replies = (await Promise.all(calling)).map((reply) => jsonIn(reply));
    expect(new Set(replies.map((reply) => (reply as { total: number }).total))).toEqual(
      new Set([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    );
  });

  test("gets the effects that waited for it", { timeout: 30_000 }, async () => {
    await using t = await start();
    await using other = await TestHost.start({
      send: () => ({
        workflow: {
          effects: [
            {
              request: { actor: { id: { name: "incrementor" } }, actionName: "add", ...one },
            },
          ],
        },
      }),
    });
    const sender = counter("sender", { actions: [{ name: "send" }] });
    await t.client.register([sender], { port: other.port });
    await t.host.kill();
    expect((await t.client.invoke("sender", "send")).status?.status).toBe(Status.OK);
    await sleep(1_000);
    await t.host.listen();
    await until(async () => {
      const state = await t.client.invoke("incrementor", "get");
      return (jsonIn(state) as { total: number }).total === 2;
    }, 15_000);
  });

  test("over an action that it had begun is not asked to run it again", async () => {
    let runs = 0;
    const slow: HostAction = async () => {
      runs++;
      return await new Promise(() => undefined);
    };
    await using t = await start({ add, slow });
    await using second = await TestHost.start({ add, slow });
    const actor = counter("incrementor", { actions: [{ name: "add" }, { name: "slow" }] });
    await t.client.register([actor], { port: second.port });
    await t.client.register([actor]);
    await t.client.invoke("incrementor", "get");
    const calling = t.client.invoke("incrementor", "slow");
    await until(() => runs === 1);
    // A connection that is closed at once has not carried the request.
    await sleep(500);
    await t.host.kill();
    expect((await calling).headers).toMatchObject({
      "spawn-error": "HOST_UNAVAILABLE",
      "spawn-applied": "no",
    });
    expect(runs).toBe(1);
  });

  test("has a call taken over by another host of the same actor", async () => {
    await using t = await start();
    await using second = await TestHost.start({ add });
    await t.client.register([counter("incrementor")], { port: second.port });
    expect(jsonIn(await t.client.invoke("incrementor", "add", one))).toEqual({ total: 2 });
    expect(second.requests).toHaveLength(1);
    await second.kill();
    expect(jsonIn(await t.client.invoke("incrementor", "add", one))).toEqual({ total: 3 });
  });

  test("has a call taken over in the words that the other host knows", async () => {
    await using t = await start();
    await using second = await TestHost.start({ add });
    const state = { state: json({ total: 0 }, "spawn") };
    await t.client.register([counter("incrementor", { state })], { port: second.port });
    await second.kill();
    await t.client.invoke("incrementor", "add", { payload: jsonPayload({ value: 1 }, "spawn") });
    const { currentContext, payload } = t.host.requests.at(-1)!.invocation;
    expect(currentContext?.state?.typeUrl).toMatch(/\/eigr\.functions\.protocol\.JSONType$/);
    expect(payload.value).toMatchObject({
      typeUrl: expect.stringMatching(/\/eigr\.functions\.protocol\.JSONType$/),
    });
  });

  test("has only those calls taken over that the other host has an action for", async () => {
    await using t = await start();
    await using second = await TestHost.start({ add, subtract: add });
    const actions = [{ name: "add" }, { name: "subtract" }];
    await t.client.register([counter("incrementor", { actions })], { port: second.port });
    await second.kill();
    const failed = await t.client.invoke("incrementor", "subtract", one);
    expect(failed.headers["spawn-error"]).toBe("HOST_UNAVAILABLE");
    expect(jsonIn(await t.client.invoke("incrementor", "add", one))).toEqual({ total: 2 });
  });
});

describe("a connection that the host has closed while nobody used it", () => {
  test("costs one more try, and the action runs once", async () => {
    await using t = await start();
    // As a server does whose keep-alive time ends in the moment in which a request comes.
    t.host.closesInsteadOfReading = true;
    expect(jsonIn(await t.client.invoke("incrementor", "add", one))).toEqual({ total: 2 });
    expect(t.host.requests).toHaveLength(2);
  });

  test("keeps its place while the request goes once more, also when others wait for one", async () => {
    let running = 0;
    let most = 0;
    const slowly: HostAction = async (invocation) => {
      most = Math.max(most, ++running);
      await sleep(50);
      running--;
      return await add(invocation);
    };
    const limit = { PROXY_HTTP_CLIENT_ADAPTER_POOL_SIZE: "1" };
    await using t = await startWithHost({ add: slowly }, limit);
    await t.client.register(["a", "b", "c"].map((name) => counter(name)));
    await t.client.invoke("a", "add", one);
    t.host.closesInsteadOfReading = true;
    const calls = ["a", "b", "c"].map((name) => t.client.invoke(name, "add", one));
    expect((await Promise.all(calls)).map(({ http }) => http)).toEqual([200, 200, 200]);
    expect(most).toBe(1);
  });
});

describe("several hosts on one proxy", () => {
  test("are asked in the order in which they were started, whoever registers first", async () => {
    await using files = scratch();
    const file = { PROXY_DATABASE_TYPE: "sqlite", PROXY_DATABASE_NAME: files.path("state.db") };
    await using older = await TestHost.start({ add });
    await using newer = await TestHost.start({ add, subtract: add });
    const register = async (proxy: TestProxy, host: TestHost, startedAt: number): Promise<void> => {
      const names = host === newer ? ["add", "subtract"] : ["add"];
      const actors = { a: counter("a", { actions: names.map((name) => ({ name })) }) };
      const request = create(RegistrationRequestSchema, {
        actorSystem: { name: "spawn-system", registry: { actors } },
      } as MessageInitShape<typeof RegistrationRequestSchema>);
      const program = create(ProgramSchema, { startedAt: BigInt(startedAt) });
      const body = Buffer.concat([
        toBinary(RegistrationRequestSchema, request),
        toBinary(ProgramSchema, program),
      ]);
      const headers = { "spawn-host-port": `${host.port}` };
      const answer = await proxy.client.send("POST", "/api/v1/system", { headers, body });
      expect(answer.headers["spawn-error"]).toBeUndefined();
    };
    const expectNewer = async ({ client }: TestProxy): Promise<void> => {
      newer.requests.length = 0;
      expect((await client.invoke("a", "add", one)).http).toBe(200);
      expect((await client.invoke("a", "subtract", one)).http).toBe(200);
      expect(newer.requests).toHaveLength(2);
    };
    {
      await using proxy = await startTestProxy(file);
      await register(proxy, older, 1_000);
      await register(proxy, newer, 2_000);
      await expectNewer(proxy);
    }
    await using proxy = await startTestProxy(file);
    await register(proxy, newer, 2_000);
    await register(proxy, older, 1_000);
    await expectNewer(proxy);
    await newer.kill();
    expect((await proxy.client.invoke("a", "add", one)).http).toBe(200);
    expect(older.requests).toHaveLength(1);
  });

  test("are told apart by the port in the registration, or by a name that they give", async () => {
    await using first = await TestHost.start({ add });
    await using second = await TestHost.start({ add });
    await using third = await TestHost.start({ add });
    await using proxy = await startTestProxy({
      USER_FUNCTION_PORT: `${first.port}`,
      SPAWN_HOSTS: `test-host=127.0.0.1:${third.port}`,
    });
    await proxy.client.register([counter("two")], { port: second.port });
    await proxy.client.register([counter("three")]);
    await proxy.client.invoke("two", "add", one);
    await proxy.client.invoke("three", "add", one);
    const names = [first, second, third].map(({ requests }) =>
      requests.map(({ invocation }) => invocation.actor?.name),
    );
    expect(names).toEqual([[], ["two"], ["three"]]);
  });
});
