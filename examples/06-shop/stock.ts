// What is there of an article. A reservation that nobody pays for ends by itself.
import { actor, fail, input } from "spawn-mesh";
import { z } from "zod";

export const RESERVED_MS = 15 * 60_000;

const Reservation = z.object({ order: z.string().min(1), count: z.int().positive() });

export const stock = actor("stock", {
  kind: "unnamed",
  state: () => ({ left: 0, reserved: [] as readonly z.infer<typeof Reservation>[] }),
  index: ({ left }) => ({ left }),
  actions: {
    receive: input(z.int().nonnegative(), (ctx, count) => {
      ctx.state.left += count;
      return ctx.state.left;
    }),
    reserve: input(Reservation, (ctx, { order, count }) => {
      const { left, reserved } = ctx.state;
      if (reserved.some((one) => one.order === order)) return left;
      if (left < count) return fail("sold-out", { left });
      ctx.state.left -= count;
      ctx.state.reserved = [...reserved, { order, count }];
      const later = { id: `release-${order}`, delayMs: RESERVED_MS };
      ctx.effect(stock, ctx.self.name).release(order, later);
      return ctx.state.left;
    }),
    release(ctx, order: string): void {
      const { reserved } = ctx.state;
      ctx.state.left += reserved.find((one) => one.order === order)?.count ?? 0;
      ctx.state.reserved = reserved.filter((one) => one.order !== order);
    },
    /** The order is paid. The answer says whether its goods were still reserved. */
    take(ctx, order: string): boolean {
      const { reserved } = ctx.state;
      ctx.state.reserved = reserved.filter((one) => one.order !== order);
      ctx.cancel(`release-${order}`);
      return ctx.state.reserved.length < reserved.length;
    },
  },
});
