import { actor, fail, read } from "spawn-mesh";

/** The actor of most tests: counts, refuses, waits. */
export const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ total: 0 }),
  actions: {
    add(ctx, by: number) {
      ctx.state.total += by;
      return ctx.state.total;
    },
    peek: read((ctx) => ctx.state.total),
    throws(ctx) {
      ctx.state.total += 100;
      throw new Error("no");
    },
    refuses(ctx) {
      ctx.state.total += 100;
      return fail("refused", { total: ctx.state.total });
    },
  },
});
