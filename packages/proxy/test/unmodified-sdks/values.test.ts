/** Values that only hosts understand, and JSON in the spelling of each. */
import { describe, expect, test } from "vitest";
import { add, counter } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { json, jsonPayload, opaque } from "../fixtures/values.ts";

describe("values of hosts", () => {
  test("pass byte for byte: payloads, answers and states", async () => {
    const state = opaque("shop.Cart", 0, 255, 128, 10, 13, 0);
    const reply = opaque("shop.Receipt", 1, 2, 0, 254);
    const payload = opaque("shop.Order", 255, 0, 1);
    await using t = await startWithHost({
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
    await using t = await startWithHost({ add, echo: ({ payload }) => ({ payload }) });
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
    await using t = await startWithHost({ echo: ({ payload }) => ({ payload }) });
    await t.client.register([counter("echo", { actions: [{ name: "echo" }] })]);
    const noop = await t.client.invoke("echo", "echo", { payload: { case: "noop", value: {} } });
    expect(noop.payload.case).toBe("noop");
    expect((await t.client.invoke("echo", "echo")).payload.case).toBeUndefined();
  });
});

function plain({ typeUrl, value }: { readonly typeUrl: string; readonly value: Uint8Array }) {
  return { typeUrl, value: Buffer.from(value) };
}
