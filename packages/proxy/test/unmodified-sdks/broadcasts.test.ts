/** Channels that actors subscribe to with their registration. */
import { describe, expect, test } from "vitest";
import { counter } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { until } from "../fixtures/until.ts";
import { jsonIn, jsonPayload } from "../fixtures/values.ts";

describe("channels", () => {
  test("actors hear broadcasts that were never called before", async () => {
    await using t = await startWithHost({
      shout: () => ({
        workflow: { broadcast: { channelGroup: "news", payload: jsonPayload("hello") } },
      }),
    });
    const channels = { channelGroup: [{ topic: "news", action: "hear" }] };
    const plain = { channelGroup: [{ topic: "news" }] };
    await t.client.register([
      counter("shouter", { actions: [{ name: "shout" }] }),
      counter("listener", { actions: [{ name: "hear" }], metadata: channels }),
      counter("receiver", { actions: [{ name: "receive" }], metadata: plain }),
    ]);
    await t.client.invoke("shouter", "shout");
    await until(() => t.host.asked().includes("hear") && t.host.asked().includes("receive"));
    const heard = t.host.requests.find(({ invocation }) => invocation.actionName === "hear");
    expect(heard?.invocation.actor?.name).toBe("listener");
    expect(heard?.invocation.caller?.name).toBe("shouter");
    expect(jsonIn(heard!.invocation)).toBe("hello");
  });

  test("an older SDK's broadcast calls the action that it names", async () => {
    await using t = await startWithHost({
      shout: () => ({
        workflow: {
          broadcast: { channelGroup: "news", actionName: "listen", payload: jsonPayload(1) },
        },
      }),
    });
    const channels = { channelGroup: [{ topic: "news", action: "hear" }] };
    const actions = [{ name: "hear" }, { name: "listen" }];
    await t.client.register([
      counter("shouter", { actions: [{ name: "shout" }] }),
      counter("listener", { actions, metadata: channels }),
    ]);
    await t.client.invoke("shouter", "shout");
    await until(() => t.host.asked().includes("listen"));
    expect(t.host.asked()).not.toContain("hear");
  });
});
