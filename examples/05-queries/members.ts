// Finding actors: a declared index, tags, and what is done with many at once.
import { actor } from "spawn-mesh";

const DAY_MS = 24 * 60 * 60 * 1_000;

export const member = actor("member", {
  kind: "unnamed",
  state: () => ({ email: null as string | null, age: 0, reminders: 0 }),
  // Stored with the state, in the same commit; `null` is not found.
  index: ({ email, age }) => ({ email, age }),
  actions: {
    join(ctx, { email, age, plan }: { email: string; age: number; plan: string }) {
      ctx.state.email = email;
      ctx.state.age = age;
      ctx.tags = { plan };
    },
    remind(ctx) {
      if (ctx.state.email === null) throw new Error("nobody to remind");
      return ++ctx.state.reminders;
    },
  },
});

/** A session is gone, with all that is stored of it, a month after it was used last. */
export const session = actor("session", {
  kind: "unnamed",
  state: () => ({ pages: 0 }),
  expireAfterMs: 30 * DAY_MS,
  // What was the state at any time in the last week can be read and restored.
  revisionsKept: 1_000,
  revisionsKeptMs: 7 * DAY_MS,
  actions: {
    visit: (ctx) => ++ctx.state.pages,
  },
});
