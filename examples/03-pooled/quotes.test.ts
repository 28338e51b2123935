import { testActorSystem } from "spawn-mesh/testing";
import { expect, test } from "vitest";
import { quotes, supplier } from "./quotes.ts";

test("many callers make three requests at a time, and each has its own answer", async () => {
  await using system = await testActorSystem({ actors: [quotes] });
  const articles = Array.from({ length: 10 }, (_, index) => "x".repeat(index + 1));

  const replies = await Promise.all(
    articles.map((article) => system.actor(quotes).quote({ article })),
  );

  expect(replies).toEqual(articles.map((article, n) => ({ article, price: (n + 1) * 100 })));
  expect(supplier.openMax).toBe(3);
});
