// Fan-out and gather: many suppliers are asked at once, and the best answer in time wins.
import { actor } from "spawn-mesh";

interface Offer {
  readonly from: string;
  readonly price: number;
}

export const request = actor("request", {
  kind: "unnamed",
  state: () => ({ asked: 0, offers: [] as Offer[], best: undefined as Offer | undefined }),
  actions: {
    ask(ctx, suppliers: readonly string[]): void {
      ctx.state.asked = suppliers.length;
      for (const name of suppliers) ctx.effect(supplier, name).quote(ctx.self.name);
      // Whoever has not answered by then is not waited for.
      ctx.effect(request, ctx.self.name).decide(undefined, { delayMs: 60_000 });
    },
    offered(ctx, offer: Offer): void {
      ctx.state.offers.push(offer);
      if (ctx.state.offers.length === ctx.state.asked) ctx.effect(request, ctx.self.name).decide();
    },
    decide(ctx): void {
      ctx.state.best ??= ctx.state.offers.toSorted((a, b) => a.price - b.price)[0];
    },
  },
});

export const supplier = actor("supplier", {
  kind: "unnamed",
  state: () => ({ price: 0 }),
  actions: {
    setPrice(ctx, price: number): void {
      ctx.state.price = price;
    },
    quote(ctx, by: string): void {
      const { price } = ctx.state;
      // One without a price has to ask somebody first, and answers late or never.
      if (price > 0) ctx.effect(request, by).offered({ from: ctx.self.name, price });
    },
  },
});
