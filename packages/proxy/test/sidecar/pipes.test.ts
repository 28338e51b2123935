/** Calls that go on in actors whose host is away. */
import { actor } from "spawn-mesh";
import { expect, test } from "vitest";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import { connectTo, errorOf, startBeside } from "./start-sidecar.ts";

const target = actor("target", {
  state: () => ({ n: 0 }),
  actions: { hear: (ctx) => ++ctx.state.n },
});
const source = actor("source", {
  state: () => ({ n: 0 }),
  actions: {
    tell(ctx): void {
      ctx.state.n++;
      ctx.pipe(target, "hear");
    },
  },
});

test("a caller that hears nothing of a pipe is told who it waited for, and what was in the way", async () => {
  await using proxy = await startTestProxy();
  const away = await startBeside(proxy, [target], { name: "shop" });
  await away.stop();
  await using _ = await startBeside(proxy, [source], { name: "shop" });
  await using spawn = connectTo(proxy, { system: "shop" });
  const error = await errorOf(spawn.actor(source).tell(undefined, { deadlineMs: 2_000 }));
  expect(`${error.code} ${error.applied}`).toBe("DEADLINE_EXCEEDED yes");
  expect(error.message).toContain("goes on in shop/target, which could not be called in time: ");
  expect(error.message).toMatch(/the host (of target is away|127.0.0.1:\d+ cannot be reached)/);
});
