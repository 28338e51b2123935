/** What an action knows, and that its context is of no use to anybody else. */
import { describe, expect, test } from "vitest";
import { actor, isSpawnError } from "spawn-mesh";
import type { Context } from "spawn-mesh";
import { counter } from "./counter.ts";
import { failureOf, settled, startSystem } from "./start-system.ts";

interface State {
  total: number;
}

let kept: Context<State>;

const curious = actor("curious", {
  kind: "unnamed",
  state: () => ({ total: 0 }),
  actions: {
    look: (ctx) => ({ self: ctx.self, now: ctx.now, metadata: ctx.metadata, tags: ctx.tags }),
    add(ctx, by: number) {
      ctx.state.total += by;
      return ctx.revision;
    },
    revision: (ctx) => ctx.revision,
    label(ctx, tags: Record<string, string>) {
      ctx.tags = tags;
      return ctx.tags;
    },
    meddle(ctx) {
      (ctx.tags as Record<string, string>)["meddled"] = "yes";
    },
    tags: (ctx) => ctx.tags,
    keep(ctx) {
      kept = ctx;
      ctx.tags = { kept: "yes" };
      ctx.state.total = 1;
    },
    async keepAndFail(ctx): Promise<void> {
      kept = ctx;
      await settled();
      throw new Error("over");
    },
    keepForEver(ctx): Promise<void> {
      kept = ctx;
      return new Promise(() => undefined);
    },
  },
});

describe("the context", () => {
  test("knows who the actor is, what came with the call, and the time", async () => {
    const { system, clock } = await startSystem([curious]);
    const metadata = { trace: "t-1", "with\r\nbreaks": "a\r\nb", ["__proto__"]: "own" };
    expect(await system.actor(curious, "x").look(undefined, { metadata })).toEqual({
      self: { system: "test", definition: "curious", name: "x" },
      now: clock.wall(),
      metadata,
      tags: {},
    });
  });

  test("counts the commits behind the state, also over deactivation", async () => {
    const { system, clock } = await startSystem([curious]);
    const ref = system.actor(curious, "x");
    expect([await ref.add(1), await ref.add(1), await ref.revision()]).toEqual([0, 1, 2]);
    await clock.advance(60_000);
    expect(await ref.revision()).toBe(2);
  });
});

describe("tags", () => {
  test("are committed with the state, and are there after a deactivation", async () => {
    const { system, clock, store } = await startSystem([curious]);
    const ref = system.actor(curious, "x");
    expect(await ref.label({ colour: "red" })).toEqual({ colour: "red" });
    await clock.advance(60_000);
    expect(await ref.tags()).toEqual({ colour: "red" });
    const commits = store.commits.length;
    await ref.label({ colour: "red" });
    expect(store.commits).toHaveLength(commits);
  });

  test("cannot be changed in place, neither new nor loaded ones", async () => {
    const { system, clock } = await startSystem([curious]);
    const ref = system.actor(curious, "x");
    await ref.label({ colour: "red" });
    expect(await failureOf(ref.meddle())).toBe("ACTION_FAILED no");
    await clock.advance(60_000);
    expect(await failureOf(ref.meddle())).toBe("ACTION_FAILED no");
    expect(await ref.tags()).toEqual({ colour: "red" });
  });
});

const uses: Record<string, (context: Context<State>) => unknown> = {
  "reading the state": (context) => context.state,
  "writing the state": (context) => (context.state = { total: 9 }),
  "reading tags": (context) => context.tags,
  "writing tags": (context) => (context.tags = {}),
  "asking who it is": (context) => context.self,
  "asking who called": (context) => context.caller,
  "reading metadata": (context) => context.metadata,
  "reading the revision": (context) => context.revision,
  "reading the time": (context) => context.now,
  "listening to the signal": (context) => context.signal,
  "sending a message": (context) => context.effect(counter, "c").peek(),
  "sending by name": (context) => context.send("c", { definition: "counter", action: "peek" }),
  piping: (context) => context.pipe(counter, "c", "peek"),
  forwarding: (context) => context.forward(counter, "c", "peek"),
  broadcasting: (context) => context.broadcast("news"),
  "asking for a checkpoint": (context) => context.checkpoint(),
  "making a reference": (context) => context.actor(counter, "c"),
  "calling by name": (context) => context.invoke("c", { definition: "counter", action: "peek" }),
};

describe("a context whose run is over", () => {
  async function codeOf(use: (context: Context<State>) => unknown): Promise<unknown> {
    try {
      await use(kept);
      return "no error";
    } catch (error) {
      return isSpawnError(error) ? error.code : error;
    }
  }

  test.each(Object.entries(uses))("refuses %s with CANCELLED", async (_what, use) => {
    const { system, clock } = await startSystem([curious, counter]);
    const ref = system.actor(curious, "x");
    await ref.keep();
    expect(await codeOf(use)).toBe("CANCELLED");
    await failureOf(ref.keepAndFail());
    expect(await codeOf(use)).toBe("CANCELLED");
    const abandoned = failureOf(ref.keepForEver(undefined, { deadlineMs: 10 }));
    await clock.advance(10_000);
    expect(await abandoned).toBe("DEADLINE_EXCEEDED no");
    expect(await codeOf(use)).toBe("CANCELLED");
    expect(await ref.get()).toEqual({ total: 1 });
  });

  test("is never the context of another run", async () => {
    const { system } = await startSystem([curious]);
    await system.actor(curious, "x").keep();
    const first = kept;
    await system.actor(curious, "x").keep();
    expect(kept).not.toBe(first);
  });

  test("and the state that it gave reach nobody's bytes any more, once the run was abandoned", async () => {
    const { system, clock } = await startSystem([curious]);
    const ref = system.actor(curious, "x");
    await ref.add(1);
    const abandoned = failureOf(ref.keepForEver(undefined, { deadlineMs: 10 }));
    await settled();
    const { state } = kept;
    await clock.advance(10_000);
    await abandoned;
    state.total = 1_000;
    await ref.add(1);
    expect(await ref.get()).toEqual({ total: 2 });
  });
});
