// An order. When it is paid, the stock, the report and the customer are told: exactly once, whatever dies.
import { actor, external, fail } from "spawn-mesh";
import { report } from "./report.ts";
import { stock } from "./stock.ts";

interface Line {
  readonly article: string;
  readonly count: number;
}

/** Stands for a mail server. The id is the same at each attempt, so that it can leave out what it has sent. */
export const mailer = external("mailer", (mail: { text: string }, { id }) => {
  console.log("mail", id, mail.text);
});

export const order = actor("order", {
  kind: "unnamed",
  state: () => ({ lines: [] as readonly Line[], status: "new" as "new" | "open" | "paid" }),
  index: ({ status }) => ({ status }),
  actions: {
    open(ctx, { lines }: { lines: readonly Line[] }) {
      if (ctx.state.status !== "new") return fail("taken");
      ctx.state.lines = lines;
      ctx.state.status = "open";
      return { order: ctx.self.name, lines };
    },
    pay(ctx) {
      if (ctx.state.status !== "open") return fail("not-open", { status: ctx.state.status });
      ctx.state.status = "paid";
      for (const { article } of ctx.state.lines) ctx.effect(stock, article).take(ctx.self.name);
      ctx.effect(report).count({ lines: ctx.state.lines });
      ctx.external(mailer, { text: `order ${ctx.self.name} is paid` });
      return { status: ctx.state.status };
    },
  },
});
