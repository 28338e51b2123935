/** A state that is `null` is one: the actor does not begin anew. */
import { actor } from "spawn-mesh";
import { expect, test } from "vitest";
import { scratch } from "../fixtures/proxy-process.ts";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import { startBeside } from "./start-sidecar.ts";

const vote = actor("vote", {
  state: (): string | null => "undecided",
  deactivateTimeoutMs: 1_000,
  actions: {
    abstain(ctx) {
      ctx.state = null;
    },
    decide(ctx, choice: string) {
      const before = ctx.state;
      ctx.state = choice;
      return before;
    },
  },
});

test("a state that is null is kept, over a restart of the sidecar too", async () => {
  await using files = scratch();
  const file = { PROXY_DATABASE_TYPE: "sqlite", PROXY_DATABASE_NAME: files.path("state.db") };
  {
    await using proxy = await startTestProxy(file);
    await using system = await startBeside(proxy, [vote]);
    expect(await system.actor(vote).get()).toBe("undecided");
    await system.actor(vote).abstain();
    await system.actor(vote).abstain();
    expect(await system.actor(vote).get()).toBe(null);
  }
  await using proxy = await startTestProxy(file);
  await using system = await startBeside(proxy, [vote]);
  expect(await system.actor(vote).get()).toBe(null);
  expect(await system.actor(vote).decide("yes")).toBe(null);
  expect(await system.actor(vote).decide("no")).toBe("yes");
});
