// A pipeline: each actor does its part and hands the call on; the last one answers the caller.
import { actor, reply } from "spawn-mesh";

interface Order {
  readonly article: string;
  readonly count: number;
}

export const receipts = actor("receipts", {
  state: () => ({ printed: 0 }),
  actions: {
    print(ctx, { article, total }: { article: string; total: number }) {
      ctx.state.printed++;
      return `#${ctx.state.printed}: ${article} for ${total}`;
    },
  },
});

export const prices = actor("prices", {
  kind: "unnamed",
  state: () => ({ each: 3 }),
  actions: {
    // What it returns is what the next one receives.
    total: (ctx, { article, count }: Order) =>
      reply({ article, total: count * ctx.state.each }).pipe(receipts, "print"),
  },
});

export const tills = actor("tills", {
  state: () => ({ sold: 0 }),
  actions: {
    // A forward hands on what it has received.
    checkout(ctx, order: Order) {
      ctx.state.sold += order.count;
      return reply().broadcast("sales", order).forward(prices, order.article, "total");
    },
  },
});
