/** Effects and calls for later. */
import { setTimeout as sleep } from "node:timers/promises";
import { Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { add, counter, one } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import type { HostAction } from "../fixtures/test-host.ts";
import { until } from "../fixtures/until.ts";
import { jsonIn, opaque } from "../fixtures/values.ts";

describe("effects", () => {
  const effect =
    (more: object): HostAction =>
    () => ({
      workflow: {
        effects: [
          {
            request: {
              system: { name: "spawn-system" },
              actor: { id: { name: "target", system: "spawn-system" } },
              actionName: "add",
              async: true,
              ...one,
              ...more,
            },
          },
        ],
      },
    });
  const actors = [counter("source", { actions: [{ name: "send" }] }), counter("target")];

  test("run after the answer, with the actor that sent them as caller", async () => {
    await using t = await startWithHost({ send: effect({ metadata: { own: "1" } }), add });
    await t.client.register(actors);
    await t.client.invoke("source", "send", { metadata: { inherited: "2" } });
    await until(() => t.host.asked().includes("add"));
    const { invocation } = t.host.requests.at(-1)!;
    expect(invocation.caller).toMatchObject({ name: "source", system: "spawn-system" });
    expect(invocation.currentContext?.metadata).toEqual({ own: "1", inherited: "2" });
    expect(jsonIn(await t.client.invoke("target", "get"))).toEqual({ total: 1 });
  });

  test("run at the time that they name, and after the time that an SDK says is left", async () => {
    for (const scheduledTo of [() => BigInt(Date.now() + 300), () => 300n]) {
      let sentAt = 0;
      let ranAt = 0;
      await using t = await startWithHost({
        send(invocation) {
          sentAt = Date.now();
          return effect({ scheduledTo: scheduledTo() })(invocation);
        },
        add(invocation) {
          ranAt = Date.now();
          return add(invocation);
        },
      });
      await t.client.register(actors);
      await t.client.invoke("source", "send");
      await until(() => ranAt > 0);
      expect(ranAt - sentAt).toBeGreaterThanOrEqual(295);
      expect(ranAt - sentAt).toBeLessThan(5_000);
    }
  });

  test("are not sent when the action that wants them fails", async () => {
    await using t = await startWithHost({
      send: async (invocation) => ({
        ...(await effect({})(invocation)),
        updatedContext: { ...invocation.currentContext!, state: opaque("of.another.Type", 1) },
      }),
      add,
    });
    await t.client.register(actors);
    expect((await t.client.invoke("source", "send")).status?.status).toBe(Status.ERROR);
    await sleep(100);
    expect(t.host.asked()).not.toContain("add");
  });

  test("a call for later is accepted, and runs then", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("target")]);
    const later = { ...one, scheduledTo: BigInt(Date.now() + 200) };
    const accepted = await t.client.invoke("target", "add", later);
    expect([accepted.status?.status, accepted.payload.case]).toEqual([Status.OK, undefined]);
    expect(jsonIn(await t.client.invoke("target", "get"))).toEqual({ total: 0 });
    await until(
      async () => (jsonIn(await t.client.invoke("target", "get")) as { total: number }).total === 1,
    );
  });
});
