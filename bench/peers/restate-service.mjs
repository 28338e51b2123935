// The Restate service process: one virtual object, state in Restate's own K/V.
import * as restate from "@restatedev/restate-sdk";

const counter = restate.object({
  name: "Counter",
  handlers: {
    add: async (ctx, { value }) => {
      const total = ((await ctx.get("total")) ?? 0) + value;
      ctx.set("total", total);
      return { total };
    },
    get: restate.handlers.object.shared(async (ctx) => ({ total: (await ctx.get("total")) ?? 0 })),
  },
});

await restate.serve({ services: [counter], port: Number(process.argv[2]) });
console.log("service ready");
