/** Compares what the actors say they sent, and were asked for, with what the others say they received. */
import type { EffectsLedger } from "./effects-ledger.ts";
import type { Loose, NodeRecord } from "./effects-nodes.ts";

/** What was found; each figure but the first has to be 0. */
export interface EffectsVerdict {
  /** Messages that were received and consumed. */
  consumed: number;
  /** Sent or asked for, and never received. */
  lost: number;
  /** Received more often than sent: without the commit that sent them, or twice. */
  doubled: number;
  /** Received before one that was sent before it, or with a gap. */
  disordered: number;
  /** Done outside, and no commit asked for it. */
  orphans: number;
  /** Calls for later that ran before their time. */
  early: number;
  /** Calls that ran although they were cancelled. */
  uncancelled: number;
}

/** What an actor sent to others in order that keeps no such record of its own: the number of the last one. */
export type SentInOrder = ReadonlyMap<string, Readonly<Record<string, number>>>;

/** Everything that is left of a run. */
export interface EffectsEvidence {
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  /** Those who hear every broadcast, and nothing else. */
  readonly listeners: ReadonlyMap<string, NodeRecord>;
  readonly tickers: SentInOrder;
  readonly ledger: Pick<EffectsLedger, "pushed" | "later">;
  /** Lines of what was done outside: an actor and the id of its wish. */
  readonly outside: readonly string[];
}

export function checkEffects(evidence: EffectsEvidence): EffectsVerdict {
  const verdict: EffectsVerdict = {
    consumed: 0,
    lost: 0,
    doubled: 0,
    disordered: 0,
    orphans: 0,
    early: 0,
    uncancelled: 0,
  };
  checkOrdered(evidence, verdict);
  checkLoose(evidence, verdict);
  checkPushed(evidence, verdict);
  checkLater(evidence, verdict);
  checkOutside(evidence, verdict);
  return verdict;
}

/** What is sent in order comes in order: the number of the last one is how many there were. */
function checkOrdered(
  { nodes, listeners, tickers }: EffectsEvidence,
  verdict: EffectsVerdict,
): void {
  const receivers = new Map([...nodes, ...listeners]);
  const sent = new Map([
    ...tickers,
    ...[...nodes].map(([name, record]) => [name, sentBy(record, listeners.keys())] as const),
  ]);
  for (const [name, { wrong, received }] of receivers) {
    verdict.disordered += wrong.length;
    for (const [from, last] of Object.entries(received)) {
      verdict.consumed += last;
      verdict.doubled += Math.max(0, last - (sent.get(from)?.[name] ?? 0));
    }
  }
  for (const [from, numbers] of sent) {
    for (const [to, number] of Object.entries(numbers))
      verdict.lost += Math.max(0, number - (receivers.get(to)?.received[from] ?? 0));
  }
}

/** A broadcast is sent to each listener. */
function sentBy(
  { sent, broadcasts }: NodeRecord,
  listeners: Iterable<string>,
): Readonly<Record<string, number>> {
  if (broadcasts === 0) return sent;
  return { ...sent, ...Object.fromEntries([...listeners].map((name) => [name, broadcasts])) };
}

function checkLoose({ nodes }: EffectsEvidence, verdict: EffectsVerdict): void {
  for (const [name, { looseReceived, looseSent, early }] of nodes) {
    verdict.early += early;
    for (const [from, received] of Object.entries(looseReceived)) {
      verdict.consumed += received.count;
      verdict.doubled += excess(received, nodes.get(from)?.looseSent[name]);
    }
    for (const [to, sent] of Object.entries(looseSent))
      verdict.lost += excess(sent, nodes.get(to)?.looseReceived[name]);
  }
}

/** Every wave was acknowledged in the end, so each has begun once. */
function checkPushed({ nodes, ledger }: EffectsEvidence, verdict: EffectsVerdict): void {
  for (const [name, { pushed }] of nodes) {
    verdict.doubled += excess(pushed, ledger.pushed.get(name));
    verdict.lost += excess(ledger.pushed.get(name) ?? NONE, pushed);
  }
}

function checkLater({ nodes, ledger }: EffectsEvidence, verdict: EffectsVerdict): void {
  const ran = new Map<string, number>();
  for (const id of [...nodes.values()].flatMap(({ later }) => later))
    ran.set(id, (ran.get(id) ?? 0) + 1);
  for (const [id, times] of ran) {
    verdict.consumed += times;
    verdict.doubled += times - 1;
    if (ledger.later.get(id) === "never") verdict.uncancelled++;
  }
  for (const [id, outcome] of ledger.later) if (outcome === "once" && !ran.has(id)) verdict.lost++;
}

/** Done at least once; with the same id however often. */
function checkOutside({ nodes, outside }: EffectsEvidence, verdict: EffectsVerdict): void {
  const done = new Set(outside);
  const asked = new Set<string>();
  for (const [name, { external }] of nodes) for (const id of external) asked.add(`${name} ${id}`);
  for (const wish of asked) if (!done.has(wish)) verdict.lost++;
  for (const deed of done) if (!asked.has(deed)) verdict.orphans++;
}

const NONE: Loose = { count: 0, sum: 0 };

/** How many messages the one has more than the other; equal numbers of different messages count as one. */
function excess(one: Loose, other: Loose = NONE): number {
  if (one.count > other.count) return one.count - other.count;
  return one.count === other.count && one.sum !== other.sum ? 1 : 0;
}
