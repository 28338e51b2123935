import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A claim counts no attempt, so a message that ends its process each time is never known for it. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/messages/sweeper.ts",
  find: `    return await store.messages.claim({
      ...of,
      wall: clock.wall(),
      laneMax: limits.laneLengthMax,
      unitsMax: limits.claimUnitsMax,
      retry: RETRY,
    });
`,
  replace: `    const claimed = await store.messages.claim({
      ...of,
      wall: clock.wall(),
      laneMax: limits.laneLengthMax,
      unitsMax: limits.claimUnitsMax,
      retry: RETRY,
    });
    const uncounted = claimed.map((message) => ({ ...message, attempts: message.attempts - 1 }));
    await store.messages.postpone(uncounted);
    return uncounted;
`,
};
