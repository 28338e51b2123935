/** Workflows that hand a call on to another actor. */
import { Kind, Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { add, counter, one, settings } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import type { HostAction } from "../fixtures/test-host.ts";
import { jsonIn, jsonPayload } from "../fixtures/values.ts";

describe("pipes and forwards", () => {
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
    await using t = await startWithHost(actions);
    await t.client.register([first, counter("second")]);
    const answer = await t.client.invoke("first", "pipe", one);
    expect(jsonIn(answer)).toEqual({ total: 10 });
    expect(t.host.requests.at(-1)?.invocation.caller?.name).toBe("first");
  });

  test("a forward hands on what the action was given", async () => {
    await using t = await startWithHost(actions);
    await t.client.register([first, counter("second")]);
    expect(jsonIn(await t.client.invoke("first", "forward", one))).toEqual({ total: 1 });
  });

  test("the next actor is spawned when it is to be, and missed at once when it is not there", async () => {
    await using t = await startWithHost({
      pipe: workflow("pipe", "user"),
      add,
      lost: workflow("pipe"),
    });
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
