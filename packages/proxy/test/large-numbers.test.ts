/** JSON with numbers that JavaScript has not: no host gets another one than was sent. */
import { expect, test } from "vitest";
import { wrapJson } from "spawn-mesh/protocol";
import { counter } from "./fixtures/counter.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { TestHost } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";

test.each(['{"id":9007199254740993}', "[1e400, -12345678901234567890]"])(
  "%s is carried as it is in payloads, answers, states and effects",
  async (text) => {
    const any = wrapJson(text, "eigr.functions.protocol");
    const carried = { typeUrl: any.typeUrl, value: Buffer.from(any.value) };
    const payload = { case: "value", value: any } as const;
    const toEcho = { actor: { id: { name: "echo" } }, actionName: "echo", payload };
    await using host = await TestHost.start({
      keep: (invocation) => ({
        payload: invocation.payload,
        updatedContext: { ...invocation.currentContext!, state: any },
        workflow: { effects: [{ request: toEcho }] },
      }),
      echo: (invocation) => ({ payload: invocation.payload }),
    });
    await using proxy = await startTestProxy({ USER_FUNCTION_PORT: `${host.port}` });
    const { client } = proxy;
    const cart = counter("cart", { actions: [{ name: "keep" }] });
    await client.register([cart, counter("echo", { actions: [{ name: "echo" }] })]);
    expect((await client.invoke("cart", "keep", { payload })).payload.value).toMatchObject(carried);
    expect((await client.read("cart")).payload.value).toMatchObject(carried);
    await until(() => host.requests.length === 2);
    for (const { invocation } of host.requests) {
      expect(invocation.payload.value).toMatchObject(carried);
    }
    const path = "/api/v1/system/spawn-system/actors/echo/echo";
    const headers = { "content-type": "application/json" };
    const { body } = await client.post(path, Buffer.from(text), headers);
    expect(body.toString()).toBe(text);
  },
);

test("is heard as it was published by whoever listens to a channel", async () => {
  await using proxy = await startTestProxy();
  const { port } = proxy.address as { readonly port: number };
  const url = `http://127.0.0.1:${port}/api/v1/system/spawn-system/channels/prices`;
  const stream = await fetch(url);
  const text = '{"id":9007199254740993,\n "all":[1e400]}';
  const headers = { "content-type": "application/json" };
  expect((await fetch(url, { method: "POST", headers, body: text })).status).toBe(200);
  let heard = "";
  for await (const bytes of stream.body!) {
    heard += Buffer.from(bytes).toString();
    if (heard.includes("data: ")) break;
  }
  expect(heard).toMatch(/^data: \{.*,"payload":\{"id":9007199254740993, {2}"all":\[1e400\]\}\}$/m);
});
