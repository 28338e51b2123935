// What was sold each day. The day is closed at midnight, also when the program was away then.
import { actor, read } from "spawn-mesh";

const DAYS_MAX = 365;

type Sold = Record<string, number>;

export const report = actor("report", {
  state: () => ({ today: {} as Sold, days: [] as { closedAt: number; sold: Sold }[] }),
  timers: [{ action: "close", cron: "0 0 * * *", timeZone: "Europe/Berlin" }],
  actions: {
    count(ctx, { lines }: { lines: readonly { article: string; count: number }[] }): void {
      const { today } = ctx.state;
      for (const { article, count } of lines) today[article] = (today[article] ?? 0) + count;
    },
    close(ctx): void {
      ctx.state.days = [{ closedAt: ctx.now, sold: ctx.state.today }, ...ctx.state.days];
      ctx.state.days.length = Math.min(ctx.state.days.length, DAYS_MAX);
      ctx.state.today = {};
    },
    days: read((ctx) => ctx.state.days),
  },
});
