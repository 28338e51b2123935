// The smallest actor there is: state, one action, and a count that goes on after a restart.
import { actor, actorSystem } from "spawn-mesh";

export const incrementor = actor("incrementor", {
  state: () => ({ total: 0 }),
  actions: {
    add(ctx, { value }: { value: number }) {
      ctx.state.total += value;
      return { total: ctx.state.total };
    },
  },
});

if (import.meta.main) {
  await using system = actorSystem("spawn-system", { actors: [incrementor] });
  await system.start();
  console.log(await system.actor(incrementor).add({ value: 1 }));
  console.log(await system.invoke("incrementor", { action: "add", payload: { value: 5 } }));
}
