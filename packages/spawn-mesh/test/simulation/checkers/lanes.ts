/**
 * I7: ordered messages from one actor to another end in the order in which they were stored. One that
 * was ever given up has lost its place and is left out.
 */
import type { Message } from "../../../src/engine/message-store.ts";
import { itemOfMessage } from "../posts.ts";
import type { RunLog, Violation } from "../run-log.ts";

export function checkLanes({ messages }: Pick<RunLog, "messages">): readonly Violation[] {
  const lanes = new Map<string, Set<Message>>();
  const violations: Violation[] = [];
  const current = new Map<string, Message>();
  for (const { type, message } of messages) {
    const lane = laneOf(message);
    if (lane === undefined) continue;
    const waiting = lanes.get(lane) ?? new Set();
    lanes.set(lane, waiting);
    if (type === "sent") {
      waiting.add(message);
      current.set(message.id, message);
      continue;
    }
    if (type === "claimed" || type === "retried") continue;
    const own = current.get(message.id)!;
    const [first] = waiting;
    const isEnd = type === "consumed" || type === "replaced";
    if (isEnd && waiting.has(own) && first !== own) {
      const what = `${itemOfMessage(own)} ended before ${itemOfMessage(first!)}, which was sent before it`;
      violations.push({ invariant: "I7", what });
    }
    waiting.delete(own);
  }
  return violations;
}

function laneOf({ isOrdered, source, target }: Message): string | undefined {
  if (!isOrdered || source === undefined) return undefined;
  return [source, target].map(({ definition, name }) => `${definition}/${name}`).join(" ");
}
