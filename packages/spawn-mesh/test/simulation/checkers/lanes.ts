/**
 * I7: ordered messages from one actor to another end in the order in which they were stored. One that
 * was ever given up has lost its place and is left out; one that is replaced by itself, as a broadcast that
 * goes on is, keeps it.
 */
import type { Message } from "../../../src/engine/message-store.ts";
import { itemOfMessage } from "../posts.ts";
import type { RunLog, Violation } from "../run-log.ts";

interface Lane {
  /** By their ids, in order. */
  readonly waiting: Map<string, Message>;
  /** What was replaced last. The next event of the lane tells whether by itself. */
  replaced: string | undefined;
}

export function checkLanes({ messages }: Pick<RunLog, "messages">): readonly Violation[] {
  const lanes = new Map<string, Lane>();
  const violations: Violation[] = [];
  for (const { type, message } of messages) {
    const name = laneOf(message);
    if (name === undefined) continue;
    const lane = lanes.get(name) ?? { waiting: new Map<string, Message>(), replaced: undefined };
    lanes.set(name, lane);
    const { waiting, replaced } = lane;
    const { id } = message;
    const goesOn = type === "sent" && id === replaced;
    if (replaced !== undefined && !goesOn) waiting.delete(replaced);
    lane.replaced = undefined;
    if (type === "sent") waiting.set(id, message);
    if (type === "sent" || type === "claimed" || type === "retried") continue;
    const own = waiting.get(id);
    const [first] = waiting.values();
    const isEnd = type === "consumed" || type === "replaced";
    if (isEnd && own !== undefined && first !== own) {
      const what = `${itemOfMessage(own)} ended before ${itemOfMessage(first!)}, which was sent before it`;
      violations.push({ invariant: "I7", what });
    }
    if (type === "replaced" && own !== undefined) lane.replaced = id;
    else waiting.delete(id);
  }
  return violations;
}

function laneOf({ isOrdered, source, target }: Message): string | undefined {
  if (!isOrdered || source === undefined) return undefined;
  return [source, target].map(({ definition, name }) => `${definition}/${name}`).join(" ");
}
