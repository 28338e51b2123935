/** Messages to actors of another actor system, which has a statestore of its own. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { settled, startSystem } from "./start-system.ts";

const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ count: 0 }),
  actions: {
    add(ctx, by: number) {
      ctx.state.count += by;
    },
  },
});

const sender = actor("sender", {
  state: () => ({ sent: 0 }),
  actions: {
    send(ctx, action: string) {
      ctx.state.sent++;
      ctx.send("c", { system: "there", definition: "counter", action, payload: 1 });
    },
  },
});

describe("a message to another system", () => {
  test("that is repeated is applied each time", async () => {
    const here = await startSystem([sender], { name: "here" });
    const there = await startSystem([counter], { name: "there", clock: here.clock });
    const target = { system: "there", definition: "counter", action: "add", payload: 1 };
    await here.system.send("c", { ...target, everyMs: 1_000 });
    for (let second = 0; second < 5; second++) {
      await here.clock.advance(1_000);
      await settled();
    }
    expect((await there.system.actor(counter, "c").get()).count).toBe(5);
  });
});
