/** What older and other SDKs send. */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { RegistrationRequestSchema, RegistrationResponseSchema, Status } from "spawn-mesh/protocol";
import type { Kind } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { counter, one, settings } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { until } from "../fixtures/until.ts";
import { jsonIn, jsonPayload } from "../fixtures/values.ts";

describe("what older and other SDKs send", () => {
  test("a channel group that is one text, and nothing but the name of an actor", async () => {
    await using t = await startWithHost({
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
    await until(() => t.host.asked().includes("receive"));
  });

  test("a kind that nobody knows, and a registration with nothing in it", async () => {
    await using t = await startWithHost();
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
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    const spring = { ...one, actor: { id: { name: "incrementor" } } };
    expect(jsonIn(await t.client.invoke("incrementor", "add", spring))).toEqual({ total: 1 });
    const bare = { ...one, system: { name: "" }, actor: {} };
    expect(jsonIn(await t.client.invoke("incrementor", "add", bare))).toEqual({ total: 2 });
  });
});

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
