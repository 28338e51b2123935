/**
 * Was every answer true? Compares what one process recorded of its calls with what is stored.
 *
 * Actors are append-only lists, or counters, which are lists whose elements nobody can see. The
 * version of an answer is how many elements the actor had: the position of an append counted from 1,
 * the length that a read saw. Times are ticks of one counter, so their order is exact.
 *
 *   lost      acknowledged, and not in the list
 *   doubled   in the list more often than it was called
 *   stale     an answer without something that was acknowledged before its call began, an
 *             acknowledged position that is not the element's, a read that is no prefix
 *   ghosts    answered with `applied: no`, and in the list
 *
 * The list-append check is Elle's idea (Kingsbury and Alvaro, 2020), cut down to one list a time.
 */

export type Outcome =
  | { readonly type: "acknowledged"; readonly version: number; readonly elements?: List }
  /** The answer said `applied: no`. */
  | { readonly type: "refused" }
  /** There was no answer, or it said `applied: unknown`. */
  | { readonly type: "unknown" };

type List = readonly number[];

export interface Operation {
  /** What an append adds, unique; `undefined` for a read. */
  readonly element: number | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: Outcome;
}

/** What an actor has in the end: a list, or only the length of one. */
export interface FinalState {
  readonly length: number;
  readonly elements?: List;
}

export interface Verdict {
  readonly lost: number;
  readonly doubled: number;
  readonly stale: number;
  readonly ghosts: number;
}

/** Checks the operations on one actor. */
export function checkHistory(operations: readonly Operation[], final: FinalState): Verdict {
  const { elements } = final;
  const { lost, doubled, ghosts } =
    elements === undefined
      ? checkCount(operations, final.length)
      : checkElements(operations, elements);
  const wrongReads = elements === undefined ? 0 : countWrongAnswers(operations, elements);
  return { lost, doubled, ghosts, stale: wrongReads + countOutOfOrder(operations) };
}

type Kept = Omit<Verdict, "stale">;

function checkElements(operations: readonly Operation[], elements: List): Kept {
  const times = new Map<number, number>();
  for (const element of elements) times.set(element, (times.get(element) ?? 0) + 1);
  let [lost, doubled, ghosts] = [0, 0, 0];
  for (const { element, outcome } of operations) {
    if (element === undefined) continue;
    const found = times.get(element) ?? 0;
    times.delete(element);
    if (outcome.type === "acknowledged" && found === 0) lost++;
    if (outcome.type === "refused" && found > 0) ghosts++;
    doubled += Math.max(found - 1, 0);
  }
  // What is left was never called.
  for (const found of times.values()) doubled += found;
  return { lost, doubled, ghosts };
}

/** Of a counter only the sum is known: unknown calls may hide in it, acknowledged ones may not. */
function checkCount(operations: readonly Operation[], length: number): Kept {
  const changes = operations.filter(({ element }) => element !== undefined);
  const versions = changes.flatMap(({ outcome }) =>
    outcome.type === "acknowledged" ? [outcome.version] : [],
  );
  const unknown = changes.filter(({ outcome }) => outcome.type === "unknown").length;
  const given = new Set(versions.filter((version) => version <= length));
  return {
    // Two answers with one version: the first one's change is gone.
    lost: versions.length - given.size,
    doubled: Math.max(length - versions.length - unknown, 0),
    ghosts: 0,
  };
}

/** Positions that are another element's, and reads that the list does not begin with. */
function countWrongAnswers(operations: readonly Operation[], elements: List): number {
  const known = new Set(elements);
  return operations.filter(({ element, outcome }) => {
    if (outcome.type !== "acknowledged") return false;
    if (element !== undefined) {
      return known.has(element) && elements[outcome.version - 1] !== element;
    }
    const seen = outcome.elements ?? [];
    return seen.length !== outcome.version || seen.some((it, index) => it !== elements[index]);
  }).length;
}

/** Answers older than one that was given before their call began. */
function countOutOfOrder(operations: readonly Operation[]): number {
  const answered = operations.flatMap(({ element, startedAt, endedAt, outcome }) =>
    outcome.type === "acknowledged"
      ? [{ isRead: element === undefined, startedAt, endedAt, version: outcome.version }]
      : [],
  );
  const byEnd = answered.toSorted((a, b) => a.endedAt - b.endedAt);
  let [newest, ended, count] = [0, 0, 0];
  for (const call of answered.toSorted((a, b) => a.startedAt - b.startedAt)) {
    for (let next = byEnd[ended]; next && next.endedAt < call.startedAt; next = byEnd[++ended]) {
      newest = Math.max(newest, next.version);
    }
    if (call.version < newest || (!call.isRead && call.version === newest)) count++;
  }
  return count;
}
