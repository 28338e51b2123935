/** Payloads checked by a schema before the action runs. */
import { describe, expect, test } from "vitest";
import { actor, input, read } from "spawn-mesh";
import { z } from "zod";
import { errorOf, startSystem } from "./start-system.ts";

const shop = actor("shop", {
  state: () => ({ sold: 0 }),
  actions: {
    sell: input(
      z.object({ items: z.array(z.object({ count: z.number().int().positive() })) }),
      (ctx, { items }) => {
        for (const { count } of items) ctx.state.sold += count;
        return ctx.state.sold;
      },
    ),
    length: input(
      z.string().transform((text) => text.length),
      (_ctx, length) => length,
    ),
    scaled: read(input(z.number(), (ctx, by) => ctx.state.sold * by)),
    later: input(z.number(), async (ctx, by) => {
      await Promise.resolve();
      return (ctx.state.sold += by);
    }),
  },
});

describe("an action with a schema", () => {
  test("refuses a payload that does not fit, naming every issue and its path", async () => {
    const { system } = await startSystem([shop]);
    const payload = { items: [{ count: 1 }, { count: -1 }, { count: "2" as never }] };
    const error = await errorOf(system.actor(shop).sell(payload));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no", retryable: false });
    expect(error.message).toContain("payload.items[1].count: ");
    expect(error.message).toContain("payload.items[2].count: ");
    expect(await system.actor(shop).get()).toEqual({ sold: 0 });
  });

  test("receives what the schema makes of the payload", async () => {
    const { system } = await startSystem([shop]);
    expect(await system.actor(shop).length("four")).toBe(4);
    expect(await system.actor(shop).sell({ items: [{ count: 2 }, { count: 3 }] })).toBe(5);
    expect(await system.actor(shop).scaled(2)).toBe(10);
    expect(await system.actor(shop).later(1)).toBe(6);
    expect(await system.invoke("shop", { action: "sell", payload: { items: [] } })).toBe(6);
  });

  test("refuses a missing payload too", async () => {
    const { system } = await startSystem([shop]);
    const error = await errorOf(system.invoke("shop", { action: "sell" }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
  });
});
