/**
 * I6: what is told to a channel is sent once to everybody who listens: all whose first commit was there
 * before the broadcast was, and whoever came until it was told to all.
 */
import type { Message } from "../../../src/engine/message-store.ts";
import { CHANNEL } from "../../../src/engine/messages/sending.ts";
import { itemOfMessage } from "../posts.ts";
import type { MessageEvent, RunLog, Violation } from "../run-log.ts";

type Log = Pick<RunLog, "applied" | "messages">;

/** What became of one broadcast. */
interface Told {
  readonly item: string;
  readonly sequence: number;
  /** Whether all have been told, as far as the database knows. */
  isOver: boolean;
  /** How often it was sent to each actor. */
  readonly sentTo: Map<string, number>;
}

const listening: ReadonlySet<string> = new Set(["post", "post-behind"]);

export function checkBroadcasts({ applied, messages }: Log): readonly Violation[] {
  const since = new Map<string, number>();
  for (const { actor, role, sequence } of applied) {
    if (listening.has(role) && !since.has(actor)) since.set(actor, sequence);
  }
  return broadcastsOf(messages).flatMap(({ item, sequence, isOver, sentTo }) => {
    const violation = (what: string): Violation => ({ invariant: "I6", what: `${item} ${what}` });
    const listeners = [...since].filter(([, from]) => from < sequence).map(([actor]) => actor);
    const missed = isOver ? listeners.filter((actor) => !sentTo.has(actor)) : [];
    const twice = [...sentTo].filter(([, times]) => times > 1).map(([actor]) => actor);
    return [
      ...missed.map((actor) => violation(`was not told to ${actor}`)),
      ...twice.map((actor) => violation(`was told to ${actor} more than once`)),
    ];
  });
}

function broadcastsOf(messages: readonly MessageEvent[]): readonly Told[] {
  const all = new Map<string, Told>();
  for (const { type, message, sequence } of messages) {
    const { headers, source, target } = message;
    const item = itemOfMessage(message);
    if (headers.kind === "broadcast") {
      const told = all.get(item) ?? { item, sequence, isOver: false, sentTo: new Map() };
      all.set(item, told);
      // The rest of it is sent in the same change.
      told.isOver = type === "replaced";
    } else if (type === "sent" && source?.definition === CHANNEL) {
      const { sentTo } = all.get(item) ?? unheardOf(message);
      const actor = `${target.definition}/${target.name}`;
      sentTo.set(actor, (sentTo.get(actor) ?? 0) + 1);
    }
  }
  return [...all.values()];
}

function unheardOf(message: Message): never {
  throw new Error(`${itemOfMessage(message)} was told, and nobody had said it`);
}
