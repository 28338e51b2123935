// A cart: reserves what is in it and hands on to the order, which answers whoever checked out.
import { actor, fail, input, reply, settle, state } from "spawn-mesh";
import { z } from "zod";
import { order } from "./order.ts";
import { stock } from "./stock.ts";

const DAY_MS = 24 * 60 * 60_000;

const Line = z.object({ article: z.string().min(1), count: z.int().positive() });
// Version 1 knew no vouchers, and kept the lines by their articles.
const V1 = z.object({ lines: z.record(z.string(), z.number()) });
const V2 = z.object({ lines: z.array(Line), voucher: z.string().nullable() });

export const cart = actor("cart", {
  kind: "unnamed",
  state: state(V1, () => ({ lines: {} })).next(V2, (old) => ({
    lines: Object.entries(old.lines).map(([article, count]) => ({ article, count })),
    voucher: null,
  })),
  expireAfterMs: 7 * DAY_MS,
  actions: {
    put: input(Line, (ctx, line) => {
      const known = ctx.state.lines.find(({ article }) => article === line.article);
      if (known === undefined) ctx.state.lines.push(line);
      else known.count += line.count;
      return ctx.state.lines;
    }),
    checkout: input(z.string().min(1), async (ctx, id) => {
      const { lines } = ctx.state;
      if (lines.length === 0) return fail("empty");
      for (const { article, count } of lines) {
        const reserved = await settle(ctx.actor(stock, article).reserve({ order: id, count }));
        // What was reserved before ends after its time.
        if (reserved.failure)
          return fail("sold-out", { article, left: reserved.failure.data.left });
        if (!reserved.ok) throw reserved.error;
      }
      ctx.state.lines = [];
      return reply({ lines }).pipe(order, id, "open");
    }),
  },
});
