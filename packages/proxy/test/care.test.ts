/** What those look at and decide who look after actors: registrations and messages, through the socket of a proxy. */
import { describe, expect, test } from "vitest";
import { add, counter } from "./fixtures/counter.ts";
import { scratch } from "./fixtures/proxy-process.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { startWithHost } from "./fixtures/start-with-host.ts";
import type { HostAction } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { jsonIn, jsonPayload } from "./fixtures/values.ts";
import type { WireClient } from "./fixtures/wire-client.ts";

const PYTHON = "python-0123456789abcdef0123456789abcdef";
const GO = "golang-0123456789abcdef0123456789abcdef";
const WEB = "web-0123456789abcdef0123456789abcdef01";
const SPAWN_TOKENS = `host python ${PYTHON}, host go ${GO}, client web ${WEB}`;

const as = (client: WireClient, token: string): WireClient =>
  client.with({ headers: { authorization: `Bearer ${token}` } });

const PATH = "/api/v1/system/spawn-system";
const one = { payload: jsonPayload({ value: 1 }) };

/** Asks with JSON, and reads the answer. */
async function ask(client: WireClient, request: string, body?: object): Promise<unknown> {
  const [method = "", path = ""] = request.split(" ");
  const headers = { "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) };
  const answer = await client.send(method, PATH + path, { headers, ...sent });
  const text = answer.body.toString();
  return text === "" ? answer.status : (JSON.parse(text) as unknown);
}

const refused = { error: { code: "UNAUTHORIZED" } };
const missing = { error: { code: "ACTOR_NOT_FOUND" } };

describe("an actor that is unregistered", () => {
  test("is not there any more, and finds its state when it is registered again", async () => {
    await using t = await startWithHost({ add });
    await t.client.register([counter("incrementor"), counter("joe")]);
    await t.client.invoke("incrementor", "add", one);
    expect(await ask(t.client, "GET /registrations")).toEqual({
      registrations: ["incrementor", "joe"].map((name) => ({
        name,
        kind: "named",
        hosts: [`127.0.0.1:${t.host.port}`],
      })),
    });
    expect(await ask(t.client, "DELETE /registrations/incrementor")).toBe(204);
    expect((await t.client.invoke("incrementor", "add", one)).http).toBe(404);
    expect(await ask(t.client, "DELETE /registrations/incrementor")).toMatchObject(missing);
    await t.client.register([counter("incrementor")]);
    expect(jsonIn(await t.client.invoke("incrementor", "add", one))).toEqual({ total: 2 });
  });

  test("is not there after the proxy was started again", async () => {
    await using files = scratch();
    const file = { PROXY_DATABASE_TYPE: "sqlite", PROXY_DATABASE_NAME: files.path("state.db") };
    {
      await using proxy = await startTestProxy(file);
      await proxy.client.register([counter("incrementor"), counter("joe")]);
      expect(await ask(proxy.client, "DELETE /registrations/joe")).toBe(204);
    }
    await using proxy = await startTestProxy(file);
    expect(await ask(proxy.client, "GET /registrations")).toMatchObject({
      registrations: [{ name: "incrementor" }],
    });
  });

  test("runs what it has begun, and no more is begun meanwhile", async () => {
    let goOn: (() => void) | undefined;
    const wait: HostAction = () => new Promise((resolve) => (goOn = () => resolve({})));
    await using t = await startWithHost({ wait });
    await t.client.register([counter("slow", { actions: [{ name: "wait" }] })]);
    const running = t.client.invoke("slow", "wait");
    await until(() => goOn !== undefined);
    const unregistering = ask(t.client, "DELETE /registrations/slow");
    await until(async () => (await t.client.invoke("slow", "wait")).http === 404);
    goOn!();
    expect((await running).http).toBe(200);
    expect(await unregistering).toBe(204);
  });

  test("has to be one's own, unless nobody can host it any more", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS });
    await as(t.client, PYTHON).register([counter("incrementor")]);
    for (const token of [GO, WEB]) {
      const unregister = "DELETE /registrations/incrementor";
      expect(await ask(as(t.client, token), unregister)).toMatchObject(refused);
    }
    expect(await ask(as(t.client, GO), "GET /registrations")).toEqual({ registrations: [] });
    expect(await ask(as(t.client, WEB), "GET /registrations")).toMatchObject(refused);
    expect(await ask(as(t.client, PYTHON), "DELETE /registrations/incrementor")).toBe(204);
    expect((await as(t.client, GO).register([counter("incrementor")])).http).toBe(200);
  });
});

describe("a message to an actor that nobody registers", () => {
  const parked = "GET /messages/parked";
  interface Listed {
    readonly messages: readonly { readonly id: string }[];
  }

  async function startWithParked() {
    const environment = {
      SPAWN_TOKENS,
      SPAWN_UNREGISTERED_WAIT_MS: "1",
      SPAWN_MESSAGE_ATTEMPTS: "1",
    };
    const send: HostAction = () => ({
      workflow: {
        effects: [{ request: { actor: { id: { name: "late" } }, actionName: "add", ...one } }],
      },
    });
    const t = await startWithHost({ add, send }, environment);
    const python = as(t.client, PYTHON);
    await python.register([counter("sender", { actions: [{ name: "send" }] })]);
    await python.invoke("sender", "send");
    const list = async () => ((await ask(python, parked)) as Listed).messages;
    await until(async () => (await list()).length === 1);
    const [{ id } = { id: "" }] = await list();
    return {
      ...t,
      python,
      go: as(t.client, GO),
      id,
      list,
      [Symbol.asyncDispose]: () => t[Symbol.asyncDispose](),
    };
  }

  test("is parked in the end, and tried again on demand", async () => {
    await using t = await startWithParked();
    expect(await t.list()).toEqual([
      {
        id: t.id,
        source: { system: "spawn-system", definition: "sender", name: "sender" },
        target: { system: "spawn-system", definition: "late", name: "late" },
        action: "add",
        sentAt: expect.any(Number) as number,
        dueAt: expect.any(Number) as number,
        parkedAt: expect.any(Number) as number,
        attempts: expect.any(Number) as number,
        error: expect.stringContaining('nobody has registered "late" here') as string,
      },
    ]);
    await t.python.register([counter("late")]);
    expect(await ask(t.python, "POST /messages/retry", { ids: [t.id] })).toEqual({ ids: [t.id] });
    await until(async () => (jsonIn(await t.python.read("late")) as { total: number }).total === 1);
    expect(await t.list()).toEqual([]);
  });

  test("can be forgotten by who sent it, and by nobody else", async () => {
    await using t = await startWithParked();
    expect(await ask(t.go, parked)).toEqual({ messages: [] });
    const discard = "POST /messages/discard";
    for (const other of [t.go, as(t.client, WEB)]) {
      expect(await ask(other, discard, { ids: [t.id] })).toMatchObject(refused);
    }
    expect(await ask(t.python, discard, { ids: [t.id, "unknown"] })).toEqual({ ids: [t.id] });
    expect(await t.list()).toEqual([]);
  });

  test("is listed while it waits", async () => {
    await using t = await startWithHost({});
    const message = { name: "late", action: "add", id: "daily", delayMs: 60_000 };
    expect(await ask(t.client, "POST /messages", message)).toEqual({ id: "daily" });
    const waiting = { messages: [{ id: "daily", source: null, target: { name: "late" } }] };
    expect(await ask(t.client, "GET /messages")).toMatchObject(waiting);
  });

  test.each([[{}], [{ ids: [] }], [{ ids: "x" }], [{ ids: [1] }], [null]])(
    "is not decided about with %j",
    async (body) => {
      await using t = await startWithHost({});
      const answer = await ask(t.client, "POST /messages/discard", body as object);
      expect(answer).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
    },
  );
});
