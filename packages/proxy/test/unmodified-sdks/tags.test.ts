/** Tags, which actions read and replace. */
import { describe, expect, test } from "vitest";
import { counter } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import { TestHost } from "../fixtures/test-host.ts";
import type { HostAction } from "../fixtures/test-host.ts";
import { json } from "../fixtures/values.ts";

describe("tags", () => {
  const tagged = counter("tagged", {
    state: { state: json({ total: 0 }), tags: { team: "red" } },
    actions: [{ name: "tag" }, { name: "forget" }],
  });
  const actions = {
    tag: ({ currentContext }) => ({
      updatedContext: { ...currentContext!, tags: { ...currentContext!.tags, size: "xl" } },
    }),
    forget: ({ currentContext }) => ({ updatedContext: { ...currentContext!, tags: {} } }),
  } satisfies Record<string, HostAction>;

  test("begin with those of the registration and are replaced by what an action says", async () => {
    await using t = await startWithHost(actions);
    await t.client.register([tagged]);
    await t.client.invoke("tagged", "tag");
    await t.client.invoke("tagged", "tag");
    const seen = t.host.requests.map(({ invocation }) => invocation.currentContext?.tags);
    expect(seen).toEqual([{ team: "red" }, { team: "red", size: "xl" }]);
  });

  test("stay when an SDK sends none, unless the proxy is told otherwise", async () => {
    for (const [policy, left] of [
      ["keep", { team: "red" }],
      ["clear", {}],
    ] as const) {
      await using host = await TestHost.start(actions);
      await using proxy = await startTestProxy({
        USER_FUNCTION_PORT: `${host.port}`,
        SPAWN_EMPTY_TAGS: policy,
      });
      await proxy.client.register([tagged]);
      await proxy.client.invoke("tagged", "forget");
      await proxy.client.invoke("tagged", "forget");
      expect(host.requests[1]?.invocation.currentContext?.tags).toEqual(left);
    }
  });
});
