/** An actor that a test and its child processes have in common. */
import { actor } from "spawn-mesh";

export const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ total: 0 }),
  actions: {
    add: (context, by: number) => (context.state.total += by),
  },
});
