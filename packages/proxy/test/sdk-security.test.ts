/** The other doors: JSON, channels, and TypeScript programs with a token. */
import { writeFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { actor, connect, external } from "spawn-mesh";
import {
  ActorInvocationResponseSchema,
  ActorInvocationSchema,
  InvocationRequestSchema,
  OutcomeSchema,
  RunSchema,
} from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { scratch } from "./fixtures/proxy-process.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import type { TestProxy } from "./fixtures/start-proxy.ts";
import { TestHost } from "./fixtures/test-host.ts";
import type { HostAction } from "./fixtures/test-host.ts";
import { add, counter } from "./fixtures/counter.ts";
import { until } from "./fixtures/until.ts";
import { jsonPayload } from "./fixtures/values.ts";
import { failureOf, startBeside, stream, urlOf } from "./sidecar/start-sidecar.ts";

const HOST = "ts-host-0123456789abcdef0123456789abcdef";
const OTHER = "go-host-0123456789abcdef0123456789abcdef";
const WEB = "web-0123456789abcdef0123456789abcdef01";
const SPAWN_TOKENS = `host typescript ${HOST}, host go ${OTHER}, client web ${WEB}`;

const tally = actor("tally", {
  state: () => ({ total: 0 }),
  actions: { add: (ctx, value: number) => (ctx.state.total += value) },
});
const clerk = actor("clerk", {
  state: () => ({ asked: 0 }),
  channels: [{ channel: "news", action: "hear" }],
  actions: {
    pass: async (ctx, value: number) => await ctx.actor(tally).add(value),
    send: (ctx, value: number) => {
      ctx.state.asked++;
      ctx.effect(tally).add(value);
    },
    tell: (ctx) => {
      ctx.state.asked++;
      ctx.broadcast("news", "nothing new");
    },
    hear: (ctx) => void ctx.state.asked++,
  },
});

async function startWith(environment: Readonly<Record<string, string>> = {}) {
  const proxy = await startTestProxy({ SPAWN_TOKENS, ...environment });
  const sidecar = { url: urlOf(proxy.address), token: HOST, stream };
  const system = await startBeside(proxy, [tally, clerk], { sidecar });
  const web = connect(sidecar.url, { system: "spawn-system", token: WEB, stream });
  return {
    proxy,
    web,
    url: `${sidecar.url}/api/v1/system/spawn-system`,
    async [Symbol.asyncDispose]() {
      await web.close();
      await system.stop();
      await proxy.stop();
    },
  };
}

function post(url: string, token: string | undefined, body: string): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body,
  });
}

describe("a TypeScript program with a token", () => {
  test("hosts actors, which call one another and are called", async () => {
    await using t = await startWith();
    expect(await t.web.actor(clerk).pass(2)).toBe(2);
    expect(await t.web.actor(tally).add(3)).toBe(5);
  });

  test("is told when it has none, or one that is not known, or a client's", async () => {
    await using proxy = await startTestProxy({ SPAWN_TOKENS });
    const url = urlOf(proxy.address);
    for (const token of [undefined, `${HOST.slice(0, -1)}0`, WEB]) {
      const sidecar = { url, stream, ...(token !== undefined && { token }) };
      expect(await failureOf(startBeside(proxy, [tally], { sidecar }))).toBe("UNAUTHORIZED no");
    }
    await using nobody = connect(url, { system: "spawn-system", stream });
    expect(await failureOf(nobody.actor(tally).add(1))).toBe("UNAUTHORIZED no");
  });

  test("finds its own actors, and nobody else does", async () => {
    await using t = await startWith();
    await t.web.actor(tally).add(2);
    const query = JSON.stringify({ definition: "tally" });
    const find = async (token: string): Promise<number> =>
      (await post(`${t.url}/actors/find`, token, query)).status;
    expect([await find(HOST), await find(OTHER), await find(WEB)]).toEqual([200, 403, 403]);
  });

  test("has its functions outside to itself, also after the proxy was started again", async () => {
    await using files = scratch();
    const file = { PROXY_DATABASE_TYPE: "sqlite", PROXY_DATABASE_NAME: files.path("state.db") };
    const take = async (proxy: TestProxy, token: string): Promise<void> => {
      const sidecar = { url: urlOf(proxy.address), token, stream };
      const externals = [external("mailer", () => undefined)];
      await using _ = await startBeside(proxy, [], { sidecar, externals });
    };
    {
      await using proxy = await startTestProxy({ SPAWN_TOKENS, ...file });
      await take(proxy, HOST);
      expect(await failureOf(take(proxy, OTHER))).toBe("UNAUTHORIZED no");
    }
    await using proxy = await startTestProxy({ SPAWN_TOKENS, ...file });
    expect(await failureOf(take(proxy, OTHER))).toBe("UNAUTHORIZED no");
    await take(proxy, HOST);
  });

  test("is refused by a policy also when an action calls and waits", async () => {
    await using folder = scratch();
    writeFileSync(folder.path("clerk.policy"), "type: deny\nactors: clerk\nactions: add");
    await using t = await startWith({ SPAWN_POLICIES_PATH: folder.path(".") });
    expect(await failureOf(t.web.actor(clerk).pass(2))).toMatch(
      /^(UNAUTHORIZED|ACTION_FAILED) no$/,
    );
    // Whoever names no caller may be anybody, the clerk too.
    expect(await failureOf(t.web.actor(tally).add(1))).toBe("UNAUTHORIZED no");
    expect(await t.web.invoke("tally", { action: "get" })).toEqual({ total: 0 });
  });
});

describe("a call with an idempotency key that is not let in", () => {
  const keyed = { idempotencyKey: "k" };

  test("may have been applied before", async () => {
    await using folder = scratch();
    writeFileSync(folder.path("web.policy"), "type: deny\nactors: *\nactions: add");
    await using t = await startWith({ SPAWN_POLICIES_PATH: folder.path(".") });
    expect(await failureOf(t.web.actor(tally).add(1, keyed))).toBe("UNAUTHORIZED unknown");
    await using nobody = connect(urlOf(t.proxy.address), { system: "spawn-system", stream });
    expect(await failureOf(nobody.actor(tally).add(1, keyed))).toBe("UNAUTHORIZED unknown");
  });

  test.each([
    ["without a token", {}, "1"],
    ["with a body that is too large", { authorization: `Bearer ${WEB}` }, "1".repeat(12_000_000)],
    ["under a policy", { authorization: `Bearer ${WEB}` }, "1"],
    ["with a wrong option", { authorization: `Bearer ${WEB}`, "spawn-deadline-ms": "soon" }, "1"],
  ])("nor is one with JSON, %s", async (_what, headers, body) => {
    await using folder = scratch();
    writeFileSync(folder.path("web.policy"), "type: deny\nactors: *\nactions: add");
    await using t = await startWith({ SPAWN_POLICIES_PATH: folder.path(".") });
    const call = async (more: object): Promise<unknown> => {
      const response = await fetch(`${t.url}/actors/tally/add`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers, ...more },
        body,
      });
      return response.headers.get("spawn-applied");
    };
    expect(await call({})).toBe("no");
    expect(await call({ "idempotency-key": "k" })).toBe("unknown");
  });
});

describe("what a TypeScript action sends", () => {
  test("is under policies: the action fails as a whole", async () => {
    await using folder = scratch();
    const deny = "type: deny\nactors: clerk\nactions: add, publish";
    writeFileSync(folder.path("clerk.policy"), deny);
    await using t = await startWith({ SPAWN_POLICIES_PATH: folder.path(".") });
    expect(await failureOf(t.web.actor(clerk).send(2))).toBe("UNAUTHORIZED no");
    expect(await failureOf(t.web.actor(clerk).tell())).toBe("UNAUTHORIZED no");
    expect(await t.web.invoke("clerk", { action: "get" })).toEqual({ asked: 0 });
  });
});

describe("further fields of an answer", () => {
  test.each([
    ["send to what the proxy keeps", { sent: [{ name: "<registered>", action: "put" }] }],
    ["cancel what another actor has sent", { cancelled: ["daily@0"] }],
    ["tell by which fields an actor is found in what is no JSON", { index: "{no" }],
    [
      "have something done outside without a name",
      { sent: [{ external: "\u0000", options: "{}" }] },
    ],
  ])("cannot %s", async (_, fields) => {
    await using host = await TestHost.start({});
    host.raw = (response, body) => {
      const { actor: asked, currentContext } = fromBinary(ActorInvocationSchema, body);
      const answer = create(ActorInvocationResponseSchema, {
        actorName: asked!.name,
        updatedContext: currentContext!,
      });
      const outcome = toBinary(OutcomeSchema, create(OutcomeSchema, fields));
      response.end(Buffer.concat([toBinary(ActorInvocationResponseSchema, answer), outcome]));
    };
    await using proxy = await startTestProxy({ USER_FUNCTION_PORT: `${host.port}` });
    await proxy.client.register([counter("hostile")]);
    const { status, headers } = await proxy.client.invoke("hostile", "add");
    expect(headers).toMatchObject({ "spawn-error": "ACTION_FAILED", "spawn-applied": "no" });
    expect(status?.message).toMatch(
      /does not begin with "<"|the message of another actor|index: expected JSON|external name/,
    );
  });
});

describe("a run that a request names", () => {
  async function nameRun(proxy: TestProxy, token: string, runId: string): Promise<number> {
    const invocation = create(InvocationRequestSchema, {
      actor: { id: { name: "incrementor", system: "spawn-system" } },
      actionName: "add",
      payload: jsonPayload({ value: 1 }),
    });
    const named = toBinary(RunSchema, create(RunSchema, { runId }));
    const body = Buffer.concat([toBinary(InvocationRequestSchema, invocation), named]);
    const path = "/api/v1/system/spawn-system/actors/incrementor/invoke";
    const headers = { authorization: `Bearer ${token}` };
    return (await proxy.client.post(path, body, headers)).status;
  }

  test("lets its own host call in its name, and nobody who has heard of it", async () => {
    let goOn = (): void => undefined;
    const wait: HostAction = () => new Promise((resolve) => (goOn = () => resolve({})));
    await using host = await TestHost.start({ add, wait });
    await using proxy = await startTestProxy({ SPAWN_TOKENS, USER_FUNCTION_PORT: `${host.port}` });
    const own = proxy.client.with({ headers: { authorization: `Bearer ${HOST}` } });
    await own.register([
      counter("incrementor"),
      counter("waiter", { actions: [{ name: "wait" }] }),
    ]);
    const waiting = own.invoke("waiter", "wait");
    await until(() => host.requests.length === 1);
    const { runId } = fromBinary(RunSchema, host.requests[0]!.body);
    expect(await nameRun(proxy, WEB, runId)).toBe(403);
    expect(await nameRun(proxy, OTHER, runId)).toBe(403);
    expect(await nameRun(proxy, HOST, "invented")).toBe(499);
    expect(await nameRun(proxy, HOST, runId)).toBe(200);
    expect(host.requests.at(-1)?.invocation.caller?.name).toBe("waiter");
    goOn();
    await waiting;
  });
});

describe("JSON and channels", () => {
  test("need a token like everything else, and say so in JSON", async () => {
    await using t = await startWith();
    const refusals = [
      await post(`${t.url}/actors/tally/add`, undefined, "1"),
      await post(`${t.url}/channels/news`, `${WEB}x`, "1"),
      await post(`${t.url}/messages`, undefined, `{"name":"tally","action":"add","payload":1}`),
      await fetch(`${t.url}/channels/news`),
    ];
    for (const refusal of refusals) {
      expect(refusal.status).toBe(401);
      const { error } = (await refusal.json()) as { readonly error: object };
      expect(error).toMatchObject({ code: "UNAUTHORIZED", applied: "no", retryable: false });
    }
    expect(await (await post(`${t.url}/actors/tally/add`, WEB, "1")).json()).toBe(1);
    expect((await post(`${t.url}/channels/news`, WEB, "1")).status).toBe(200);
  });

  test("are under policies: publish and subscribe are actions", async () => {
    await using folder = scratch();
    const deny = "type: deny\nidentities: web\nactions: publish, subscribe, add";
    writeFileSync(folder.path("web.policy"), deny);
    await using t = await startWith({ SPAWN_POLICIES_PATH: folder.path(".") });
    expect((await post(`${t.url}/actors/tally/add`, WEB, "1")).status).toBe(403);
    expect((await post(`${t.url}/channels/news`, WEB, "1")).status).toBe(403);
    const message = `{"name":"tally","action":"add","payload":1}`;
    expect((await post(`${t.url}/messages`, WEB, message)).status).toBe(403);
    expect((await post(`${t.url}/messages`, HOST, message)).status).toBe(200);
    const headers = { authorization: `Bearer ${WEB}` };
    expect((await fetch(`${t.url}/channels/news`, { headers })).status).toBe(403);
    expect((await post(`${t.url}/channels/news`, HOST, "1")).status).toBe(200);
  });

  test.each([
    ["the token of its listener was removed", "tokens", `host typescript ${HOST}\n`],
    ["a policy denies it", "web.policy", "type: deny\nidentities: web\nactions: subscribe"],
  ])("a stream of events ends when %s", async (_, file, text) => {
    await using folder = scratch();
    const tokens = folder.path("tokens");
    writeFileSync(tokens, `host typescript ${HOST}\nclient web ${WEB}\n`, { mode: 0o600 });
    await using proxy = await startTestProxy({
      SPAWN_TOKENS_FILE: tokens,
      SPAWN_POLICIES_PATH: folder.path("."),
    });
    const url = `${urlOf(proxy.address)}/api/v1/system/spawn-system/channels/news`;
    const listen = (token: string): Promise<Response> =>
      fetch(url, { headers: { authorization: `Bearer ${token}` } });
    const [web, host] = await Promise.all([listen(WEB), listen(HOST)]);
    writeFileSync(folder.path(file), text);
    proxy.reload();
    // It has come to its end.
    expect(await web.text()).toMatch(/event: end\ndata: \{"error":\{"code":"UNAUTHORIZED"/);
    expect((await post(url, HOST, `"still told"`)).status).toBe(200);
    let told = "";
    for await (const bytes of host.body!) {
      told += Buffer.from(bytes).toString();
      if (told.includes("still told")) break;
    }
  });

  test("a trace goes on from the headers of a call with JSON", async () => {
    await using host = await TestHost.start({ add });
    await using proxy = await startTestProxy({ USER_FUNCTION_PORT: `${host.port}` });
    await proxy.client.register([counter("incrementor")]);
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const path = "/api/v1/system/spawn-system/actors/incrementor/add";
    const headers = { "content-type": "application/json", traceparent };
    await fetch(urlOf(proxy.address) + path, { method: "POST", headers, body: `{"value":1}` });
    expect(host.requests[0]?.headers["traceparent"]).toBe(traceparent);
  });
});
