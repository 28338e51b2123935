/**
 * I9: nothing leaves an actor before the commits that it depends on.
 *
 * An acknowledgement must come after the database applied the append, a read after everything that
 * it shows, and an action that was called by another one must not run before what its caller had
 * seen. Write-behind actors acknowledge before by definition.
 */
import { itemsOf, mayBeGone } from "../run-log.ts";
import type { ActorRole, RunLog, Violation } from "../run-log.ts";

/** Actors that answer when all is committed that the answer tells of. */
const waiting: ReadonlySet<ActorRole> = new Set(["list", "deletable", "post-mortal"]);

type Log = Pick<RunLog, "operations" | "applied" | "restored" | "sightings">;

export function checkGate(log: Log): readonly Violation[] {
  const { operations, applied, sightings } = log;
  const appliedAt = firstCommits(applied);
  const isBefore = (actor: string, value: string, sequence: number): boolean =>
    (appliedAt.get(`${actor} ${value}`) ?? Infinity) < sequence;
  const violations: Violation[] = [];
  for (const operation of operations) {
    const { actor, role, kind, value, outcome, items, endedSequence } = operation;
    if (outcome !== "yes" || !waiting.has(role)) continue;
    const shown = kind === "append" ? [value!] : (items ?? []);
    const early = shown.find((item) => !isBefore(actor, item, endedSequence));
    if (early === undefined || mayBeGone(operation, log)) continue;
    violations.push({ invariant: "I9", what: `${kind} told of ${early} before ${actor} had it` });
  }
  for (const { actor, value, sequence } of sightings) {
    if (isBefore(actor, value, sequence)) continue;
    violations.push({ invariant: "I9", what: `a call left before ${value} was in ${actor}` });
  }
  return violations;
}

/** When each value was committed for the first time. */
function firstCommits(applied: RunLog["applied"]): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const { actor, commit, sequence } of applied) {
    for (const item of itemsOf(commit)) {
      const key = `${actor} ${item}`;
      if (!first.has(key)) first.set(key, sequence);
    }
  }
  return first;
}
