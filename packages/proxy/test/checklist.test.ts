/**
 * What unmodified SDKs depend on, one row after the other, through the socket of a running proxy.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  InvocationResponseSchema,
  Kind,
  RegistrationRequestSchema,
  RegistrationResponseSchema,
  Status,
} from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { add, counter, settings } from "./fixtures/counter.ts";
import { ProxyProcess, scratch } from "./fixtures/proxy-process.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { TestHost } from "./fixtures/test-host.ts";
import type { HostAction } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { json, jsonIn, jsonPayload, opaque } from "./fixtures/values.ts";

/** A proxy with a host that has these actions. */
async function start(actions: Readonly<Record<string, HostAction>>) {
  const host = await TestHost.start(actions);
  const proxy = await startTestProxy({ USER_FUNCTION_PORT: `${host.port}` });
  const { client } = proxy;
  return {
    host,
    proxy,
    client,
    /** What the host was asked to do, by the names of the actions. */
    asked: () => host.requests.map(({ invocation }) => invocation.actionName),
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await host[Symbol.asyncDispose]();
    },
  };
}

const one = { payload: jsonPayload({ value: 1 }) };

describe("1: the routes", () => {
  test("the body says who is meant, whatever the path says", async () => {
    await using t = await start({ add });
    await t.client.register([counter("incrementor")]);
    const named = {
      ...one,
      system: { name: "spawn-system" },
      actor: { id: { name: "incrementor", system: "spawn-system" } },
    };
    const answer = await t.client.invoke("somebody else", "add", named);
    expect(jsonIn(answer)).toEqual({ total: 1 });
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
  });

  test("answers are protobuf whatever is accepted, and health is JSON", async () => {
    await using t = await start({ add });
    await t.client.register([counter("incrementor")]);
    const path = "/api/v1/system/spawn-system/actors/incrementor";
    const answer = await t.client.send("GET", path, { headers: { accept: "text/html" } });
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
    expect(fromBinary(InvocationResponseSchema, answer.body).status?.status).toBe(Status.OK);
    for (const health of ["/health", "/health/liveness", "/health/readiness"]) {
      const { status, body } = await t.client.send("GET", health);
      expect([status, body.toString()]).toEqual([200, '{"status":"up"}']);
    }
    const unknown = await t.client.send("GET", "/nothing/here");
    expect([unknown.status, unknown.body.toString()]).toEqual([404, "Not found!"]);
  });

  test("the state of an actor can be read", async () => {
    await using t = await start({ add });
    await t.client.register([counter("incrementor")]);
    await t.client.invoke("incrementor", "add", one);
    expect(jsonIn(await t.client.read("incrementor"))).toEqual({ total: 1 });
    expect((await t.client.read("nobody")).status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });
});

describe("2: registration", () => {
  test("is answered with Accepted, again and again, and adds and replaces actors", async () => {
    await using t = await start({ add, sub: add });
    for (const name of ["first", "first", "second"]) {
      const { status, proxyInfo } = await t.client.register([counter(name)]);
      expect(status).toMatchObject({ status: Status.OK, message: "Accepted" });
      expect(proxyInfo?.protocolMajorVersion).toBe(1);
    }
    expect((await t.client.invoke("first", "sub", one)).status?.status).toBe(Status.ERROR);
    await t.client.register([counter("first", { actions: [{ name: "add" }, { name: "sub" }] })]);
    expect(jsonIn(await t.client.invoke("first", "sub", one))).toEqual({ total: 1 });
    expect(jsonIn(await t.client.invoke("second", "add", one))).toEqual({ total: 1 });
  });

  test("of an actor with another kind takes the place of one that is alive", async () => {
    await using t = await start({ add });
    await t.client.register([counter("changing")]);
    await t.client.invoke("changing", "add", one);
    const pooled = { ...settings, kind: Kind.POOLED, minPoolSize: 1, maxPoolSize: 2 };
    const { status } = await t.client.register([counter("changing", { settings: pooled })]);
    expect(status?.status).toBe(Status.OK);
    expect(jsonIn(await t.client.invoke("changing", "add", one))).toEqual({ total: 1 });
    await t.client.register([counter("changing")]);
    expect(jsonIn(await t.client.invoke("changing", "add", one))).toEqual({ total: 2 });
  });
});

describe("3: channels", () => {
  test("actors hear broadcasts that were never called before", async () => {
    await using t = await start({
      shout: () => ({
        workflow: { broadcast: { channelGroup: "news", payload: jsonPayload("hello") } },
      }),
    });
    const channels = { channelGroup: [{ topic: "news", action: "hear" }] };
    const plain = { channelGroup: [{ topic: "news" }] };
    await t.client.register([
      counter("shouter", { actions: [{ name: "shout" }] }),
      counter("listener", { actions: [{ name: "hear" }], metadata: channels }),
      counter("receiver", { actions: [{ name: "receive" }], metadata: plain }),
    ]);
    await t.client.invoke("shouter", "shout");
    await until(() => t.asked().includes("hear") && t.asked().includes("receive"));
    const heard = t.host.requests.find(({ invocation }) => invocation.actionName === "hear");
    expect(heard?.invocation.actor?.name).toBe("listener");
    expect(heard?.invocation.caller?.name).toBe("shouter");
    expect(jsonIn(heard!.invocation)).toBe("hello");
  });

  test("an older SDK's broadcast calls the action that it names", async () => {
    await using t = await start({
      shout: () => ({
        workflow: {
          broadcast: { channelGroup: "news", actionName: "listen", payload: jsonPayload(1) },
        },
      }),
    });
    const channels = { channelGroup: [{ topic: "news", action: "hear" }] };
    const actions = [{ name: "hear" }, { name: "listen" }];
    await t.client.register([
      counter("shouter", { actions: [{ name: "shout" }] }),
      counter("listener", { actions, metadata: channels }),
    ]);
    await t.client.invoke("shouter", "shout");
    await until(() => t.asked().includes("listen"));
    expect(t.asked()).not.toContain("hear");
  });
});

describe("4: the request to a host", () => {
  test("is one write with its length, to the exact path, with the exact type", async () => {
    await using t = await start({ add });
    await t.client.register([counter("incrementor")]);
    await t.client.invoke("incrementor", "add", one);
    await t.client.invoke("incrementor", "add", one);
    for (const { path, headers, body, chunks } of t.host.requests) {
      expect(path).toBe("/api/v1/actors/actions");
      expect(headers["content-type"]).toBe("application/octet-stream");
      expect(headers["content-length"]).toBe(`${body.length}`);
      expect(headers.connection).toBe("keep-alive");
      expect(chunks).toBe(1);
    }
  });

  test("connections that nobody uses are closed within a good second", async () => {
    await using t = await start({ add });
    await t.client.register([counter("incrementor")]);
    await t.client.invoke("incrementor", "add", one);
    expect(await t.host.connections()).toBe(1);
    await until(async () => (await t.host.connections()) === 0, 2_500);
  });
});

describe("5: values of hosts", () => {
  test("pass byte for byte: payloads, answers and states", async () => {
    const state = opaque("shop.Cart", 0, 255, 128, 10, 13, 0);
    const reply = opaque("shop.Receipt", 1, 2, 0, 254);
    const payload = opaque("shop.Order", 255, 0, 1);
    await using t = await start({
      put: ({ currentContext }) => ({
        updatedContext: { ...currentContext!, state },
        payload: { case: "value", value: reply },
      }),
    });
    const actor = counter("cart", { state: {}, actions: [{ name: "put" }] });
    await t.client.register([actor]);
    const answer = await t.client.invoke("cart", "put", {
      payload: { case: "value", value: payload },
    });
    expect(answer.payload).toMatchObject({ case: "value", value: plain(reply) });
    const [first] = t.host.requests;
    expect(first?.invocation.payload).toMatchObject({ case: "value", value: plain(payload) });
    expect(first?.invocation.currentContext?.state).toBeUndefined();
    await t.client.invoke("cart", "put");
    expect(t.host.requests[1]?.invocation.currentContext?.state).toMatchObject(plain(state));
    expect(t.host.requests[1]?.invocation.payload.case).toBeUndefined();
    expect((await t.client.read("cart")).payload).toMatchObject({ value: plain(state) });
  });

  test("JSON and Noop come in the spelling that the host has shown, whoever sends them", async () => {
    await using t = await start({ add, echo: ({ payload }) => ({ payload }) });
    const state = { state: json({ total: 0 }, "spawn") };
    const actions = [{ name: "add" }, { name: "echo" }];
    await t.client.register([counter("modern", { state, actions })]);
    const older = { payload: jsonPayload({ value: 2 }, "eigr.functions.protocol") };
    const answer = await t.client.invoke("modern", "echo", older);
    expect(answer.payload.value).toMatchObject({
      typeUrl: "type.googleapis.com/eigr.functions.protocol.JSONType",
    });
    const { invocation } = t.host.requests[0]!;
    const spelt = { typeUrl: "type.googleapis.com/spawn.JSONType" };
    expect(invocation.payload.value).toMatchObject(spelt);
    expect(invocation.currentContext?.state).toMatchObject(spelt);
    const noop = { ...opaque("eigr.functions.protocol.Noop") };
    await t.client.invoke("modern", "echo", { payload: { case: "value", value: noop } });
    expect(t.host.requests[1]?.invocation.payload.value).toMatchObject({
      typeUrl: "type.googleapis.com/spawn.Noop",
    });
  });

  test("a value, none and nothing are three things, all the way", async () => {
    await using t = await start({ echo: ({ payload }) => ({ payload }) });
    await t.client.register([counter("echo", { actions: [{ name: "echo" }] })]);
    const noop = await t.client.invoke("echo", "echo", { payload: { case: "noop", value: {} } });
    expect(noop.payload.case).toBe("noop");
    expect((await t.client.invoke("echo", "echo")).payload.case).toBeUndefined();
  });
});

describe("6: what older and other SDKs send", () => {
  test("a channel group that is one text, and nothing but the name of an actor", async () => {
    await using t = await start({
      shout: () => ({ workflow: { broadcast: { channelGroup: "test", payload: jsonPayload(1) } } }),
    });
    const id = (name: string): Uint8Array => message([1, text([1, name], [2, "spawn-system"])]);
    const listener = message(
      [1, text([1, "listener"], [2, "spawn-system"])],
      [4, text([1, "receive"])],
      [6, text([1, "test"])],
    );
    const shouter = message([1, text([1, "shouter"])], [4, text([1, "shout"])]);
    const actors = message(
      [1, entry("listener", listener)],
      [1, entry("shouter", shouter)],
      [1, entry("bare", id("bare"))],
    );
    const system = message([1, bytes("spawn-system")], [2, actors]);
    const answer = await t.client.post("/api/v1/system", message([2, system]));
    const { status } = fromBinary(RegistrationResponseSchema, answer.body);
    expect(status).toMatchObject({ status: Status.OK, message: "Accepted" });
    await t.client.invoke("shouter", "shout");
    await until(() => t.asked().includes("receive"));
  });

  test("a kind that nobody knows, and a registration with nothing in it", async () => {
    await using t = await start({ add });
    const odd = { ...settings, kind: 77 as Kind };
    expect((await t.client.register([counter("odd", { settings: odd })])).status?.status).toBe(
      Status.OK,
    );
    expect(jsonIn(await t.client.invoke("odd", "add", one))).toEqual({ total: 1 });
    const empty = toBinary(RegistrationRequestSchema, create(RegistrationRequestSchema, {}));
    const answer = await t.client.post("/api/v1/system", empty);
    expect(fromBinary(RegistrationResponseSchema, answer.body).status?.status).toBe(Status.OK);
  });

  test("a request whose actor names no system", async () => {
    await using t = await start({ add });
    await t.client.register([counter("incrementor")]);
    const spring = { ...one, actor: { id: { name: "incrementor" } } };
    expect(jsonIn(await t.client.invoke("incrementor", "add", spring))).toEqual({ total: 1 });
    const bare = { ...one, system: { name: "" }, actor: {} };
    expect(jsonIn(await t.client.invoke("incrementor", "add", bare))).toEqual({ total: 2 });
  });
});

describe("7: default actions", () => {
  test("are answered by the proxy, with the registered state before the first call", async () => {
    await using t = await start({ add });
    await t.client.register([counter("incrementor", { state: { state: json({ total: 41 }) } })]);
    for (const action of ["get", "Get", "get_state", "getState", "GetState"]) {
      expect(jsonIn(await t.client.invoke("incrementor", action))).toEqual({ total: 41 });
    }
    expect(t.host.requests).toHaveLength(0);
    await t.client.invoke("incrementor", "add", one);
    expect(jsonIn(await t.client.invoke("incrementor", "get"))).toEqual({ total: 42 });
  });

  test("go to the host, all of them, when it registers one of them", async () => {
    await using t = await start({
      get: () => ({ payload: jsonPayload("own") }),
      GetState: () => ({ payload: jsonPayload("own too") }),
    });
    await t.client.register([counter("own", { actions: [{ name: "get" }] })]);
    expect(jsonIn(await t.client.invoke("own", "get"))).toBe("own");
    expect(jsonIn(await t.client.invoke("own", "GetState"))).toBe("own too");
  });

  test("answer nothing when there is no state", async () => {
    await using t = await start({});
    await t.client.register([counter("none", { state: {} })]);
    const answer = await t.client.invoke("none", "get");
    expect([answer.status?.status, answer.payload.case]).toEqual([Status.OK, undefined]);
  });

  test("answer the state in memory of an actor that is not stored", async () => {
    await using t = await start({ add });
    const stateless = { ...settings, stateful: false };
    await t.client.register([counter("light", { settings: stateless })]);
    expect(jsonIn(await t.client.invoke("light", "get"))).toEqual({ total: 0 });
    await t.client.invoke("light", "add", one);
    expect(jsonIn(await t.client.invoke("light", "add", one))).toEqual({ total: 2 });
    expect(jsonIn(await t.client.invoke("light", "get"))).toEqual({ total: 2 });
  });
});

describe("8: unnamed actors", () => {
  const user = counter("user", {
    settings: { ...settings, kind: Kind.UNNAMED },
    state: { state: json({ total: 0 }) },
  });

  test("have instances by spawning, each with its own state and its base as parent", async () => {
    await using t = await start({ add });
    await t.client.register([user]);
    const { status } = await t.client.spawn([
      { name: "ann", parent: "user" },
      { name: "bob", parent: "user" },
    ]);
    expect(status).toMatchObject({ status: Status.OK, message: "Accepted" });
    await t.client.spawn([{ name: "ann", parent: "user" }]);
    expect(t.host.requests).toHaveLength(0);
    await t.client.invoke("ann", "add", one);
    expect(jsonIn(await t.client.invoke("ann", "add", one))).toEqual({ total: 2 });
    expect(jsonIn(await t.client.invoke("bob", "add", one))).toEqual({ total: 1 });
    const id = { name: "ann", system: "spawn-system", parent: "user" };
    expect(t.host.requests[0]?.invocation.actor).toMatchObject(id);
    expect(t.host.requests[0]?.invocation.currentContext?.self).toMatchObject(id);
  });

  test("have instances by register_ref, at the first call", async () => {
    await using t = await start({ add });
    await t.client.register([user]);
    const spawning = { ...one, registerRef: "user" };
    expect(jsonIn(await t.client.invoke("eve", "add", spawning))).toEqual({ total: 1 });
    expect(jsonIn(await t.client.invoke("eve", "add", one))).toEqual({ total: 2 });
    const unknown = await t.client.invoke("mallory", "add", one);
    expect(unknown.status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });

  test("are not asked for by a register_ref that is the actor's own name", async () => {
    await using t = await start({ add });
    await t.client.register([user, counter("incrementor")]);
    const call = { ...one, registerRef: "incrementor" };
    expect(jsonIn(await t.client.invoke("incrementor", "add", call))).toEqual({ total: 1 });
    await t.client.spawn([{ name: "ann", parent: "user" }]);
    const ofInstance = { ...one, registerRef: "ann" };
    expect(jsonIn(await t.client.invoke("ann", "add", ofInstance))).toEqual({ total: 1 });
  });

  test("cannot be spawned from an actor that is not there, or is no unnamed one", async () => {
    await using t = await start({ add });
    await t.client.register([counter("incrementor")]);
    const missing = await t.client.spawn([{ name: "ann", parent: "user" }]);
    expect([missing.http, missing.status?.status]).toEqual([404, Status.ACTOR_NOT_FOUND]);
    const named = await t.client.spawn([{ name: "ann", parent: "incrementor" }]);
    expect([named.http, named.status?.status]).toEqual([400, Status.ERROR]);
  });

  test("begin at a kept revision when they are spawned with one", async () => {
    await using t = await start({ add });
    const often = { strategy: { case: "timeout" as const, value: { timeout: 1n } } };
    const kept = { ...settings, kind: Kind.UNNAMED, snapshotStrategy: often };
    await t.client.register([counter("user", { settings: kept })]);
    await t.client.spawn([{ name: "ann", parent: "user" }]);
    for (let call = 0; call < 3; call++) {
      await t.client.invoke("ann", "add", one);
      await sleep(5);
    }
    const { status } = await t.client.spawn([{ name: "ann", parent: "user" }], "?revision=1");
    expect(status?.status).toBe(Status.OK);
    expect(jsonIn(await t.client.invoke("ann", "get"))).toEqual({ total: 1 });
    const wrong = await t.client.spawn([{ name: "ann", parent: "user" }], "?revision=99");
    expect([wrong.http, wrong.status?.status]).toEqual([400, Status.ERROR]);
    const none = await t.client.spawn([{ name: "ann", parent: "user" }], "?revision=soon");
    expect([none.http, none.status?.status]).toEqual([400, Status.ERROR]);
  });
});

describe("9: an action that the actor does not have", () => {
  test("is an error with a message, at once, and the host is not asked", async () => {
    await using t = await start({ add });
    await t.client.register([counter("incrementor")]);
    const answer = await t.client.invoke("incrementor", "subtract", one);
    expect(answer.status?.status).toBe(Status.ERROR);
    expect(answer.status?.message).toContain("Action [subtract] not found for Actor [incrementor]");
    expect(answer.http).toBe(404);
    expect(t.host.requests).toHaveLength(0);
  });
});

describe("10: asynchronous calls", () => {
  test("are accepted at once without a payload, and seen by the next call", async () => {
    let isDone = false;
    await using t = await start({
      async add(invocation) {
        await sleep(100);
        isDone = true;
        return add(invocation);
      },
    });
    await t.client.register([counter("incrementor")]);
    const accepted = await t.client.invoke("incrementor", "add", { ...one, async: true });
    expect(isDone).toBe(false);
    expect([accepted.status?.status, accepted.payload.case]).toEqual([Status.OK, undefined]);
    expect(jsonIn(await t.client.invoke("incrementor", "get"))).toEqual({ total: 1 });
  });
});

describe("11: tags", () => {
  const tagged = counter("tagged", {
    state: { state: json({ total: 0 }), tags: { team: "red" } },
    actions: [{ name: "tag" }, { name: "forget" }],
  });
  const actions = {
    tag: ({ currentContext }) => ({
      updatedContext: { ...currentContext!, tags: { ...currentContext!.tags, size: "xl" } },
    }),
    forget: ({ currentContext }) => ({ updatedContext: { ...currentContext!, tags: {} } }),
  } satisfies Record<string, HostAction>;

  test("begin with those of the registration and are replaced by what an action says", async () => {
    await using t = await start(actions);
    await t.client.register([tagged]);
    await t.client.invoke("tagged", "tag");
    await t.client.invoke("tagged", "tag");
    const seen = t.host.requests.map(({ invocation }) => invocation.currentContext?.tags);
    expect(seen).toEqual([{ team: "red" }, { team: "red", size: "xl" }]);
  });

  test("stay when an SDK sends none, unless the proxy is told otherwise", async () => {
    for (const [policy, left] of [
      ["keep", { team: "red" }],
      ["clear", {}],
    ] as const) {
      await using host = await TestHost.start(actions);
      await using proxy = await startTestProxy({
        USER_FUNCTION_PORT: `${host.port}`,
        SPAWN_EMPTY_TAGS: policy,
      });
      await proxy.client.register([tagged]);
      await proxy.client.invoke("tagged", "forget");
      await proxy.client.invoke("tagged", "forget");
      expect(host.requests[1]?.invocation.currentContext?.tags).toEqual(left);
    }
  });
});

describe("12: effects", () => {
  const effect =
    (more: object): HostAction =>
    () => ({
      workflow: {
        effects: [
          {
            request: {
              system: { name: "spawn-system" },
              actor: { id: { name: "target", system: "spawn-system" } },
              actionName: "add",
              async: true,
              ...one,
              ...more,
            },
          },
        ],
      },
    });
  const actors = [counter("source", { actions: [{ name: "send" }] }), counter("target")];

  test("run after the answer, with the actor that sent them as caller", async () => {
    await using t = await start({ send: effect({ metadata: { own: "1" } }), add });
    await t.client.register(actors);
    await t.client.invoke("source", "send", { metadata: { inherited: "2" } });
    await until(() => t.asked().includes("add"));
    const { invocation } = t.host.requests.at(-1)!;
    expect(invocation.caller).toMatchObject({ name: "source", system: "spawn-system" });
    expect(invocation.currentContext?.metadata).toEqual({ own: "1", inherited: "2" });
    expect(jsonIn(await t.client.invoke("target", "get"))).toEqual({ total: 1 });
  });

  test("run at the time that they name, and after the time that an SDK says is left", async () => {
    for (const scheduledTo of [() => BigInt(Date.now() + 300), () => 300n]) {
      let sentAt = 0;
      let ranAt = 0;
      await using t = await start({
        send(invocation) {
          sentAt = Date.now();
          return effect({ scheduledTo: scheduledTo() })(invocation);
        },
        add(invocation) {
          ranAt = Date.now();
          return add(invocation);
        },
      });
      await t.client.register(actors);
      await t.client.invoke("source", "send");
      await until(() => ranAt > 0);
      expect(ranAt - sentAt).toBeGreaterThanOrEqual(295);
      expect(ranAt - sentAt).toBeLessThan(600);
    }
  });

  test("are not sent when the action that wants them fails", async () => {
    await using t = await start({
      send: async (invocation) => ({
        ...(await effect({})(invocation)),
        updatedContext: { ...invocation.currentContext!, state: opaque("of.another.Type", 1) },
      }),
      add,
    });
    await t.client.register(actors);
    expect((await t.client.invoke("source", "send")).status?.status).toBe(Status.ERROR);
    await sleep(100);
    expect(t.asked()).not.toContain("add");
  });

  test("a call for later is accepted, and runs then", async () => {
    await using t = await start({ add });
    await t.client.register([counter("target")]);
    const later = { ...one, scheduledTo: BigInt(Date.now() + 200) };
    const accepted = await t.client.invoke("target", "add", later);
    expect([accepted.status?.status, accepted.payload.case]).toEqual([Status.OK, undefined]);
    expect(jsonIn(await t.client.invoke("target", "get"))).toEqual({ total: 0 });
    await until(
      async () => (jsonIn(await t.client.invoke("target", "get")) as { total: number }).total === 1,
    );
  });
});

describe("13: pipes and forwards", () => {
  const workflow =
    (kind: "pipe" | "forward", registerRef = ""): HostAction =>
    () => ({
      payload: jsonPayload({ value: 10 }),
      workflow: {
        routing: { case: kind, value: { actor: "second", actionName: "add", registerRef } },
      },
    });
  const actions = { pipe: workflow("pipe"), forward: workflow("forward"), add };
  const first = counter("first", { actions: [{ name: "pipe" }, { name: "forward" }] });

  test("a pipe hands on what the action answers, and its actor answers the caller", async () => {
    await using t = await start(actions);
    await t.client.register([first, counter("second")]);
    const answer = await t.client.invoke("first", "pipe", one);
    expect(jsonIn(answer)).toEqual({ total: 10 });
    expect(t.host.requests.at(-1)?.invocation.caller?.name).toBe("first");
  });

  test("a forward hands on what the action was given", async () => {
    await using t = await start(actions);
    await t.client.register([first, counter("second")]);
    expect(jsonIn(await t.client.invoke("first", "forward", one))).toEqual({ total: 1 });
  });

  test("the next actor is spawned when it is to be, and missed at once when it is not there", async () => {
    await using t = await start({ pipe: workflow("pipe", "user"), add, lost: workflow("pipe") });
    const user = counter("user", { settings: { ...settings, kind: Kind.UNNAMED } });
    const actionsOf = [{ name: "pipe" }, { name: "lost" }];
    await t.client.register([counter("first", { actions: actionsOf })]);
    const lost = await t.client.invoke("first", "lost", one);
    expect(lost.status?.status).toBe(Status.ERROR);
    expect(lost.status?.message).toContain("Actor second not found");
    await t.client.register([user]);
    expect(jsonIn(await t.client.invoke("first", "pipe", one))).toEqual({ total: 10 });
  });
});

describe("14: what is kept", () => {
  test(
    "a call that was answered is stored: the proxy can be killed",
    { timeout: 60_000 },
    async () => {
      await using host = await TestHost.start({ add });
      await using files = scratch();
      const environment = {
        USER_FUNCTION_PORT: `${host.port}`,
        PROXY_DATABASE_NAME: files.path("state.db"),
      };
      {
        await using proxy = await ProxyProcess.start(environment);
        await proxy.client.register([counter("incrementor")]);
        await proxy.client.invoke("incrementor", "add", one);
        await proxy.client.invoke("incrementor", "add", one);
        await proxy.kill("SIGKILL");
      }
      await using proxy = await ProxyProcess.start(environment);
      await proxy.client.register([counter("incrementor")]);
      expect(jsonIn(await proxy.client.invoke("incrementor", "add", one))).toEqual({ total: 3 });
    },
  );

  test(
    "write-behind states are stored when the proxy is told to end",
    { timeout: 60_000 },
    async () => {
      await using host = await TestHost.start({ add });
      await using files = scratch();
      const environment = {
        USER_FUNCTION_PORT: `${host.port}`,
        PROXY_DATABASE_NAME: files.path("state.db"),
        SPAWN_DURABILITY: "write-behind",
      };
      {
        await using proxy = await ProxyProcess.start(environment);
        await proxy.client.register([counter("incrementor")]);
        await proxy.client.invoke("incrementor", "add", one);
        expect(await proxy.kill("SIGTERM")).toBe(0);
      }
      await using proxy = await ProxyProcess.start(environment);
      await proxy.client.register([counter("incrementor")]);
      expect(jsonIn(await proxy.client.invoke("incrementor", "add", one))).toEqual({ total: 2 });
    },
  );

  test(
    "a checkpoint is stored before it is answered, and answered well",
    { timeout: 60_000 },
    async () => {
      await using host = await TestHost.start({
        add: async (call) => ({ ...(await add(call)), checkpoint: true }),
      });
      await using files = scratch();
      const environment = {
        USER_FUNCTION_PORT: `${host.port}`,
        PROXY_DATABASE_NAME: files.path("state.db"),
        SPAWN_DURABILITY: "write-behind",
      };
      {
        await using proxy = await ProxyProcess.start(environment);
        await proxy.client.register([counter("incrementor")]);
        expect(jsonIn(await proxy.client.invoke("incrementor", "add", one))).toEqual({ total: 1 });
        await proxy.kill("SIGKILL");
      }
      await using proxy = await ProxyProcess.start(environment);
      await proxy.client.register([counter("incrementor")]);
      expect(jsonIn(await proxy.client.invoke("incrementor", "get"))).toEqual({ total: 1 });
    },
  );
});

describe("15: timers", () => {
  test("fire after their period, which is in milliseconds, with a Noop from the actor itself", async () => {
    let firstAt = 0;
    await using t = await start({
      tick() {
        firstAt ||= Date.now();
        return {};
      },
    });
    const registeredAt = Date.now();
    const timerActions = [{ seconds: 150, action: { name: "tick" } }];
    await t.client.register([counter("metronome", { actions: [], timerActions })]);
    await until(() => t.asked().filter((name) => name === "tick").length >= 3);
    expect(firstAt - registeredAt).toBeGreaterThanOrEqual(140);
    expect(firstAt - registeredAt).toBeLessThan(2_000);
    const { invocation } = t.host.requests[0]!;
    expect(invocation.payload.case).toBe("noop");
    expect(invocation.caller?.name).toBe("metronome");
  });
});

describe("beyond: what went wrong is said at once, in words that can be decoded", () => {
  test("an actor that nobody has registered", async () => {
    await using t = await start({ add });
    const began = performance.now();
    const answer = await t.client.invoke("nobody", "add", one);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(answer.status).toMatchObject({ status: Status.ACTOR_NOT_FOUND });
    expect(answer.status?.message).toContain("Actor nobody not found on ActorSystem spawn-system");
    expect(answer.http).toBe(404);
    const elsewhere = {
      ...one,
      system: { name: "mars" },
      actor: { id: { name: "x", system: "mars" } },
    };
    const far = await t.client.invoke("x", "add", elsewhere);
    expect(far.status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });

  test("a projection, which is not there yet", async () => {
    await using t = await start({ add });
    const projection = counter("view", { settings: { ...settings, kind: Kind.PROJECTION } });
    const { status, http } = await t.client.register([counter("good"), projection]);
    expect([http, status?.status]).toEqual([400, Status.ERROR]);
    expect(status?.message).toContain("projection");
    // None of a registration that is refused is taken.
    expect((await t.client.invoke("good", "add", one)).status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });
});

describe("beyond: every system that is registered is local", () => {
  test("two systems are two worlds, which send messages to one another", async () => {
    await using t = await start({
      add,
      send: () => ({
        workflow: {
          effects: [
            {
              request: {
                system: { name: "mars" },
                actor: { id: { name: "rover" } },
                actionName: "add",
                ...one,
              },
            },
          ],
        },
      }),
    });
    await t.client.register([counter("rover", { id: { name: "rover", system: "mars" } })], {
      system: "mars",
    });
    await t.client.register([counter("earth", { actions: [{ name: "send" }] })]);
    await t.client.invoke("earth", "send");
    const get = { system: { name: "mars" }, actor: { id: { name: "rover", system: "mars" } } };
    await until(async () => {
      const state = jsonIn(await t.client.invoke("rover", "get", get)) as { total: number };
      return state.total === 1;
    });
    expect((await t.client.invoke("rover", "get")).status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });
});

describe("beyond: calls with options", () => {
  test("a key makes a call once, however often it comes", async () => {
    await using t = await start({ add });
    await t.client.register([counter("incrementor")]);
    const once = { ...one, metadata: { "idempotency-key": "k1" } };
    for (let call = 0; call < 3; call++) {
      expect(jsonIn(await t.client.invoke("incrementor", "add", once))).toEqual({ total: 1 });
    }
    const other = { ...once, payload: jsonPayload({ value: 2 }) };
    const conflict = await t.client.invoke("incrementor", "add", other);
    expect(conflict.headers["spawn-error"]).toBe("IDEMPOTENCY_CONFLICT");
    expect(t.host.requests).toHaveLength(1);
  });

  test("metadata reaches the action, and says how long the caller waits", async () => {
    await using t = await start({ add, slow: async () => sleep(2_000, {}) });
    const actions = [{ name: "add" }, { name: "slow" }];
    await t.client.register([counter("incrementor", { actions })]);
    await t.client.invoke("incrementor", "add", { ...one, metadata: { who: "me" } });
    expect(t.host.requests[0]?.invocation.currentContext?.metadata).toEqual({ who: "me" });
    const began = performance.now();
    const hurried = { metadata: { "request-timeout": "100" } };
    const late = await t.client.invoke("incrementor", "slow", hurried);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(late.headers).toMatchObject({
      "spawn-error": "DEADLINE_EXCEEDED",
      "spawn-applied": "no",
    });
    expect(jsonIn(await t.client.invoke("incrementor", "add", one))).toEqual({ total: 2 });
    const soon = await t.client.invoke("incrementor", "add", {
      metadata: { "request-timeout": "soon" },
    });
    expect(soon.headers["spawn-error"]).toBe("INVALID_ARGUMENT");
  });
});

describe("beyond: the beginning of an actor", () => {
  test("init runs at every activation, after the load, before anything else", async () => {
    await using t = await start({
      Init: ({ currentContext }) => ({
        updatedContext: { ...currentContext!, state: json({ total: 100 }) },
        payload: jsonPayload("ignored"),
      }),
      add,
    });
    const actions = [{ name: "Init" }, { name: "add" }];
    await t.client.register([counter("beginner", { actions, state: {} })]);
    expect(jsonIn(await t.client.invoke("beginner", "add", one))).toEqual({ total: 101 });
    const [init] = t.host.requests;
    expect(init?.invocation).toMatchObject({ actionName: "Init", payload: { case: "noop" } });
    expect(init?.invocation.caller?.name).toBe("beginner");
    expect(init?.invocation.currentContext?.state).toBeUndefined();
  });
});

describe("beyond: pooled actors", () => {
  test("run several actions at once", async () => {
    let running = 0;
    let most = 0;
    await using t = await start({
      async work() {
        most = Math.max(most, ++running);
        await sleep(50);
        running--;
        return {};
      },
    });
    const pooled = { ...settings, kind: Kind.POOLED, minPoolSize: 1, maxPoolSize: 3 };
    await t.client.register([counter("pool", { settings: pooled, actions: [{ name: "work" }] })]);
    const calls = Array.from({ length: 6 }, () =>
      t.client.invoke("pool", "work", { pooled: true }),
    );
    for (const { status } of await Promise.all(calls)) expect(status?.status).toBe(Status.OK);
    expect(most).toBe(3);
  });
});

function plain({ typeUrl, value }: { readonly typeUrl: string; readonly value: Uint8Array }) {
  return { typeUrl, value: Buffer.from(value) };
}

// Messages written by hand, as SDKs of other generations encode them.

function bytes(content: string): Uint8Array {
  return Buffer.from(content);
}

function message(...fields: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, content] of fields)
    writer.tag(number, WireType.LengthDelimited).bytes(content);
  return writer.finish();
}

function text(...fields: readonly (readonly [number, string])[]): Uint8Array {
  return message(...fields.map(([number, content]) => [number, bytes(content)] as const));
}

function entry(key: string, value: Uint8Array): Uint8Array {
  return message([1, bytes(key)], [2, value]);
}
