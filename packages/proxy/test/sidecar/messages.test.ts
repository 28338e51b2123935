/** Protobuf messages beside a sidecar: as state, payload and reply, and to those who know no message. */
import { create, toBinary } from "@bufbuild/protobuf";
import { DurationSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { actor, rpc, state } from "spawn-mesh";
import { expect, test } from "vitest";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import { until } from "../fixtures/until.ts";
import { connectTo, failureOf, startBeside, urlOf } from "./start-sidecar.ts";

const watch = actor("watch", {
  state: state(DurationSchema, () => ({ seconds: 1n })),
  deactivateTimeoutMs: 50,
  actions: {
    add: rpc(DurationSchema, DurationSchema, (ctx, { seconds }) => {
      ctx.state.seconds += seconds;
      return ctx.state;
    }),
    later(ctx, seconds: number): void {
      ctx.effect(echo).add({ seconds: BigInt(seconds) });
    },
  },
});
/** The same actor, as another one knows it. */
const echo = actor("watch", {
  actions: { add: rpc(DurationSchema, DurationSchema, (_ctx, given) => given) },
});

test("messages cross a sidecar as they are, and stay what they are when the actor has left", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [watch]);
  const ref = system.actor(watch);
  expect(await ref.get()).toMatchObject({ seconds: 1n });
  expect(await ref.add({ seconds: 2n })).toMatchObject({
    $typeName: "google.protobuf.Duration",
    seconds: 3n,
  });
  await new Promise((resolve) => setTimeout(resolve, 400));
  await using spawn = connectTo(proxy, { system: "spawn-system" });
  expect(await spawn.actor(watch).add(create(DurationSchema, { seconds: 1n }))).toMatchObject({
    seconds: 4n,
  });
  await ref.later(6);
  await until(async () => (await ref.get()).seconds === 10n);
  const other = { $typeName: "google.protobuf.Any", typeUrl: "x/google.protobuf.StringValue" };
  const payload = { ...other, value: toBinary(StringValueSchema, create(StringValueSchema)) };
  expect(await failureOf(spawn.invoke("watch", { action: "add", payload }))).toBe(
    "INVALID_ARGUMENT no",
  );
});

test("a caller with JSON gives the fields as JSON, and gets the bytes", async () => {
  await using proxy = await startTestProxy();
  await using _system = await startBeside(proxy, [watch]);
  const url = `${urlOf(proxy.address)}/api/v1/system/spawn-system/actors/watch/add`;
  const call = async (payload: unknown): Promise<unknown> => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(payload);
    return await (await fetch(url, { method: "POST", headers, body })).json();
  };
  const value = Buffer.from(toBinary(DurationSchema, create(DurationSchema, { seconds: 3n })));
  const duration = {
    "@type": "type.googleapis.com/google.protobuf.Duration",
    value: value.toString("base64"),
  };
  expect(await call("2s")).toEqual(duration);
  expect(await call(duration)).toMatchObject({ "@type": duration["@type"], value: "CAY=" });
});
