/** The routes of the proxy, and what is answered on each. */
import { fromBinary } from "@bufbuild/protobuf";
import { InvocationResponseSchema, Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { counter, one } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { jsonIn } from "../fixtures/values.ts";

describe("the routes", () => {
  test("the body says who is meant, whatever the path says", async () => {
    await using t = await startWithHost();
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
    await using t = await startWithHost();
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
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    await t.client.invoke("incrementor", "add", one);
    expect(jsonIn(await t.client.read("incrementor"))).toEqual({ total: 1 });
    expect((await t.client.read("nobody")).status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });
});
