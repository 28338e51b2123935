/** Compares what the actors say they sent with what the others say they received. */
import type { Loose, NodeRecord } from "./effects-nodes.ts";

export interface EffectsVerdict {
  /** Messages that were received and consumed. */
  readonly consumed: number;
  /** Sent and never received. */
  readonly lost: number;
  /** Received more often than sent: without the commit that sent them, or twice. */
  readonly doubled: number;
  /** Received before one that was sent before it, or with a gap. */
  readonly disordered: number;
}

/** What an actor sent to others in order that keeps no such record of its own: the number of the last one. */
export type SentInOrder = ReadonlyMap<string, Readonly<Record<string, number>>>;

/** @param others actors of other kinds that sent too */
export function checkEffects(
  nodes: ReadonlyMap<string, NodeRecord>,
  others: SentInOrder = new Map(),
): EffectsVerdict {
  const verdict = { consumed: 0, lost: 0, doubled: 0, disordered: 0 };
  const sent = new Map([
    ...others,
    ...[...nodes].map(([name, record]) => [name, record.sent] as const),
  ]);
  for (const [name, record] of nodes) {
    verdict.disordered += record.wrong.length;
    for (const [from, received] of Object.entries(record.received)) {
      verdict.consumed += received;
      verdict.doubled += Math.max(0, received - (sent.get(from)?.[name] ?? 0));
    }
    for (const [from, received] of Object.entries(record.looseReceived)) {
      verdict.consumed += received.count;
      const of = nodes.get(from)?.looseSent[name] ?? { count: 0, sum: 0 };
      verdict.doubled += excess(received, of);
    }
    for (const [to, { count, sum }] of Object.entries(record.looseSent)) {
      const received = nodes.get(to)?.looseReceived[name] ?? { count: 0, sum: 0 };
      verdict.lost += excess({ count, sum }, received);
    }
  }
  for (const [name, bySource] of sent) {
    for (const [to, number] of Object.entries(bySource)) {
      verdict.lost += Math.max(0, number - (nodes.get(to)?.received[name] ?? 0));
    }
  }
  return verdict;
}

/** How many messages the one has more than the other; equal numbers of different messages count as one. */
function excess(one: Loose, other: Loose): number {
  if (one.count > other.count) return one.count - other.count;
  return one.count === other.count && one.sum !== other.sum ? 1 : 0;
}
