// An actor worth testing: it fails, it reads, and each instance has a name.
import { actor, fail, read } from "spawn-mesh";

export const cart = actor("cart", {
  kind: "unnamed",
  state: () => ({ items: [] as string[], isClosed: false }),
  deactivateTimeoutMs: 60_000,
  actions: {
    add(ctx, item: string) {
      if (ctx.state.isClosed) return fail("closed", { items: ctx.state.items.length });
      ctx.state.items.push(item);
      return ctx.state.items.length;
    },
    close(ctx) {
      ctx.state.isClosed = true;
    },
    count: read((ctx) => ctx.state.items.length),
  },
});
