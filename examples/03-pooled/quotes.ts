// A pooled actor: no state, and several actions at once. Here it asks a service that bears only so
// many requests at a time, however many callers there are.
import { setTimeout as sleep } from "node:timers/promises";
import { actor, actorSystem } from "spawn-mesh";

/** Stands for a slow service in the network. */
export const supplier = {
  open: 0,
  openMax: 0,
  async priceOf(article: string): Promise<number> {
    this.openMax = Math.max(this.openMax, ++this.open);
    await sleep(20);
    this.open--;
    return article.length * 100;
  },
};

export const quotes = actor("quotes", {
  kind: "pooled",
  pool: { min: 1, max: 3 },
  actions: {
    async quote(_ctx, { article }: { article: string }) {
      return { article, price: await supplier.priceOf(article) };
    },
  },
});

if (import.meta.main) {
  await using system = actorSystem("shop", { actors: [quotes] });
  await system.start();
  const articles = ["tea", "milk", "sugar", "biscuits", "lemon", "cup", "spoon"];
  const ref = system.actor(quotes);
  console.log(await Promise.all(articles.map((article) => ref.quote({ article }))));
  console.log(`${articles.length} quotes, never more than ${supplier.openMax} requests at a time`);
}
