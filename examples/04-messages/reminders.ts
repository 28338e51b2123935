// Cron, delays and timers: all of them are stored, so a restart forgets none.
import { actor } from "spawn-mesh";

export const reminder = actor("reminder", {
  kind: "unnamed",
  state: () => ({ said: [] as string[], pending: "" }),
  actions: {
    remind(ctx, { text, inMs }: { text: string; inMs: number }) {
      const me = ctx.effect(reminder, ctx.self.name);
      ctx.state.pending = me.say(text, { delayMs: inMs });
      return ctx.state.pending;
    },
    say(ctx, text: string): void {
      ctx.state.said.push(text);
    },
  },
});

export const report = actor("report", {
  state: () => ({ written: 0, heartbeats: 0 }),
  actions: {
    write(ctx): void {
      ctx.state.written++;
    },
    beat(ctx): void {
      ctx.state.heartbeats++;
    },
  },
  timers: [
    { action: "write", cron: "0 9 * * MON-FRI", timeZone: "Europe/Berlin" },
    { action: "beat", everyMs: 60_000 },
  ],
});
