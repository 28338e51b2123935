// What was sold each day. The day is closed at midnight, also when the program was away then.
import { actor, read } from "spawn-mesh";

const DAYS_MAX = 365;

type Sold = { article: string; count: number }[];

export const report = actor("report", {
  state: () => ({ today: [] as Sold, days: [] as { closedAt: number; sold: Sold }[] }),
  timers: [{ action: "close", cron: "0 0 * * *", timeZone: "Europe/Berlin" }],
  actions: {
    count(ctx, { lines }: { lines: Readonly<Sold> }): void {
      const { today } = ctx.state;
      for (const { article, count } of lines) {
        const known = today.find((sold) => sold.article === article);
        if (known === undefined) today.push({ article, count });
        else known.count += count;
      }
    },
    close(ctx): void {
      ctx.state.days = [{ closedAt: ctx.now, sold: ctx.state.today }, ...ctx.state.days];
      ctx.state.days.length = Math.min(ctx.state.days.length, DAYS_MAX);
      ctx.state.today = [];
    },
    days: read((ctx) => ctx.state.days),
  },
});
