/** Calls with JSON, as `curl --json` makes them. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { actor, fail } from "spawn-mesh";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import type { TestProxy } from "./fixtures/start-proxy.ts";
import { until } from "./fixtures/until.ts";
import { startBeside, urlOf } from "./sidecar/start-sidecar.ts";

const counter = actor("counter", {
  state: () => ({ total: 0 }),
  actions: {
    add(ctx, { value }: { value: number }) {
      if (value < 0) return fail("negative", { value });
      ctx.state.total += value;
      return { total: ctx.state.total };
    },
    forget(ctx) {
      ctx.state.total = 0;
    },
    metadata: (ctx) => ({ ...ctx.metadata }),
    slow: async () => await new Promise<void>((resolve) => setTimeout(resolve, 500)),
  },
});
const user = actor("user", {
  kind: "unnamed",
  state: () => ({ visits: 0 }),
  actions: { visit: (ctx) => ++ctx.state.visits },
});

const run = promisify(execFile);

let proxy: TestProxy;
let system: Awaited<ReturnType<typeof startBeside>>;
beforeAll(async () => {
  proxy = await startTestProxy();
  system = await startBeside(proxy, [counter, user]);
});
afterAll(async () => {
  await system.stop();
  await proxy.stop();
});

function call(
  path: string,
  payload?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${urlOf(proxy.address)}/api/v1/system/spawn-system/actors/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    ...(payload !== undefined && { body: JSON.stringify(payload) }),
  });
}

async function errorIn(response: Response): Promise<unknown> {
  const { error } = (await response.json()) as { readonly error: { readonly message: string } };
  return { http: response.status, ...error };
}

describe("a call with JSON", () => {
  test("is answered in JSON, and with nothing when there is nothing", async () => {
    const added = await call("counter/add", { value: 1 });
    expect(added.status).toBe(200);
    expect(added.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await added.json()).toEqual({ total: 1 });
    expect(await (await call("counter/get")).json()).toEqual({ total: 1 });
    expect((await call("counter/forget")).status).toBe(204);
  });

  test("is made by curl as the README shows", async () => {
    const url = `${urlOf(proxy.address)}/api/v1/system/spawn-system/actors/user/visit`;
    const { stdout } = await run("curl", ["-s", "--json", "", `${url}?definition=user`]);
    expect(stdout).toBe("1");
  });

  test("reaches an instance by its definition, and then by its name alone", async () => {
    expect(await (await call("user-42/visit?definition=user")).json()).toBe(1);
    expect(await (await call("user-42/visit")).json()).toBe(2);
  });

  test("says what is wrong, with the status of HTTP and whether it was applied", async () => {
    expect(await errorIn(await call("nobody/add", { value: 1 }))).toMatchObject({
      http: 404,
      code: "ACTOR_NOT_FOUND",
      applied: "no",
      retryable: false,
    });
    expect(await errorIn(await call("counter/nope"))).toMatchObject({
      http: 404,
      code: "ACTION_NOT_FOUND",
    });
    expect(await errorIn(await call("counter/add", { value: -1 }))).toMatchObject({
      http: 422,
      code: "ACTION_FAILED",
      failure: { code: "negative", data: { value: -1 } },
    });
    const path = `${urlOf(proxy.address)}/api/v1/system/spawn-system/actors/counter/add`;
    const headers = { "content-type": "application/json" };
    const broken = await fetch(path, { method: "POST", headers, body: "{" });
    expect(await errorIn(broken)).toMatchObject({ http: 400, code: "INVALID_ARGUMENT" });
  });

  test("is refused without the content type, which a foreign page cannot send", async () => {
    const response = await call("counter/forget", undefined, { "content-type": "text/plain" });
    expect(response.status).toBe(415);
    expect(JSON.stringify(await response.json())).toContain("expected content-type");
  });

  test("takes options from headers", async () => {
    const metadata = { "spawn-metadata-trace": "t1" };
    expect(await (await call("counter/metadata", undefined, metadata)).json()).toEqual({
      trace: "t1",
    });
    const late = await call("counter/slow", undefined, { "spawn-deadline-ms": "50" });
    expect(await errorIn(late)).toMatchObject({ http: 504, code: "DEADLINE_EXCEEDED" });
    const bad = await call("counter/slow", undefined, { "spawn-deadline-ms": "soon" });
    expect(await errorIn(bad)).toMatchObject({ http: 400, code: "INVALID_ARGUMENT" });
    const key = { "idempotency-key": "k1" };
    const before = (await (await call("counter/get")).json()) as { readonly total: number };
    await call("counter/add", { value: 5 }, key);
    expect(await (await call("counter/add", { value: 5 }, key)).json()).toEqual({
      total: before.total + 5,
    });
    const accepted = await call("counter/add", { value: 1 }, { prefer: "respond-async" });
    expect([accepted.status, await accepted.text()]).toEqual([202, ""]);
    expect(await (await call("counter/get")).json()).toEqual({ total: before.total + 6 });
    const later = await call("counter/add", { value: 1 }, { "spawn-delay-ms": "20" });
    expect(later.status).toBe(202);
  });
});

describe("a message with JSON", () => {
  const send = (message: unknown): Promise<Response> =>
    fetch(`${urlOf(proxy.address)}/api/v1/system/spawn-system/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
    });

  test("is stored, and delivered", async () => {
    const message = { name: "carl", definition: "user", action: "visit", id: "first" };
    const sent = await send(message);
    expect([sent.status, await sent.json()]).toMatchObject([
      200,
      { id: expect.stringMatching(/^first/) as string },
    ]);
    await until(async () => (await system.actor(user, "carl").get()).visits === 1);
  });

  test.each([
    [{ action: "visit" }, "expected { name, action, payload }"],
    [{ name: "carl" }, "with the name of an action"],
    [{ name: "carl", action: "visit", cron: "at noon" }, "options.cron: expected five fields"],
    [{ name: "carl", action: "visit", often: true }, "there is no option often"],
    [{ name: "carl", action: { toString: 1 } }, "with the name of an action"],
    [null, "expected { name, action, payload }"],
  ])("%j is refused", async (message, text) => {
    const refused = await send(message);
    expect(refused.status).toBe(400);
    expect(JSON.stringify(await refused.json())).toContain(text);
  });
});
