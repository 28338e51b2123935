/** What an SDK says besides the protocol is checked like everything else. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ActorSchema, DefinitionSchema, Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { counter } from "../fixtures/counter.ts";
import { startTestProxy } from "../fixtures/start-proxy.ts";

const WELL = { durability: "durable", revisionsKept: 10, timers: [] };

describe("a registration whose further options are odd", () => {
  test.each([
    ["null"],
    ["{"],
    ["[]"],
    ["{}"],
    [JSON.stringify({ ...WELL, durability: "for ever" })],
    [JSON.stringify({ ...WELL, revisionsKept: -1 })],
    [JSON.stringify({ ...WELL, expireAfterMs: 0 })],
    [JSON.stringify({ ...WELL, stateVersion: "2" })],
    [JSON.stringify({ ...WELL, timers: [null] })],
    [JSON.stringify({ ...WELL, timers: [{ action: "add", payload: 1, repeat: { everyMs: 5 } }] })],
    [JSON.stringify({ ...WELL, timers: [{ action: "add", payload: null, repeat: { cron: 7 } }] })],
  ])("is refused: %s", async (options) => {
    await using proxy = await startTestProxy();
    const plain = toBinary(ActorSchema, create(ActorSchema, counter("odd")));
    const fields = toBinary(DefinitionSchema, create(DefinitionSchema, { options }));
    const odd = fromBinary(ActorSchema, Buffer.concat([plain, fields]));
    const answer = await proxy.client.register([odd as never]);
    expect(answer.status?.status).toBe(Status.ERROR);
    expect(answer.headers["spawn-error"]).toBe("INVALID_ARGUMENT");
  });
});
