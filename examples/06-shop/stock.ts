// What is there of an article. A reservation that nobody pays for ends by itself.
import { actor, fail, input } from "spawn-mesh";
import { z } from "zod";

export const RESERVED_MS = 15 * 60_000;

const Reservation = z.object({ order: z.string().min(1), count: z.int().positive() });

export const stock = actor("stock", {
  kind: "unnamed",
  state: () => ({ left: 0, reserved: {} as Record<string, number> }),
  index: ({ left }) => ({ left }),
  actions: {
    receive(ctx, count: number) {
      ctx.state.left += count;
      return ctx.state.left;
    },
    reserve: input(Reservation, (ctx, { order, count }) => {
      if (order in ctx.state.reserved) return ctx.state.left;
      if (ctx.state.left < count) return fail("sold-out", { left: ctx.state.left });
      ctx.state.left -= count;
      ctx.state.reserved[order] = count;
      const later = { id: `release-${order}`, delayMs: RESERVED_MS };
      ctx.effect(stock, ctx.self.name).release(order, later);
      return ctx.state.left;
    }),
    release(ctx, order: string): void {
      ctx.state.left += ctx.state.reserved[order] ?? 0;
      delete ctx.state.reserved[order];
    },
    /** The order is paid. The answer says whether its goods were still reserved. */
    take(ctx, order: string): boolean {
      const wasReserved = order in ctx.state.reserved;
      delete ctx.state.reserved[order];
      ctx.cancel(`release-${order}`);
      return wasReserved;
    },
  },
});
