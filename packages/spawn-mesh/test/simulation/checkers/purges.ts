/**
 * I18: what is deleted because of how it was found has not changed since; and nothing that was
 * acknowledged goes with it, since that would be a change.
 */
import type { AppliedCommit, Operation, RunLog, Violation } from "../run-log.ts";

type Log = Pick<RunLog, "purged" | "applied" | "operations">;

export function checkPurges({ purged, applied, operations }: Log): readonly Violation[] {
  const violations: Violation[] = [];
  const purges = new Set<AppliedCommit>();
  for (const { actor, revision } of purged) {
    const next = applied.find(
      (entry) => entry.actor === actor && entry.commit.revision === revision + 1,
    );
    if (next?.commit.isDelete === true) purges.add(next);
    else {
      const what = `${actor} was deleted as of revision ${revision}, and had changed since`;
      violations.push({ invariant: "I18", what });
    }
  }
  // Nobody else deletes those.
  for (const entry of applied) {
    if (entry.role === "fleeting" && entry.commit.isDelete) purges.add(entry);
  }
  if (purges.size === 0) return violations;
  const actors = new Set([...purges].map(({ actor }) => actor));
  const deletes = applied.filter(({ commit, actor }) => commit.isDelete && actors.has(actor));
  const lost = operations.filter(
    (operation) => actors.has(operation.actor) && isAcknowledged(operation),
  );
  for (const operation of lost) {
    const meanwhile = deletes.filter((entry) => isMeanwhile(operation, entry));
    const isPurged = meanwhile.length > 0 && meanwhile.every((entry) => purges.has(entry));
    if (!isPurged || isInState(operation, applied)) continue;
    const what = `${operation.value} was acknowledged and went with the delete of ${operation.actor}`;
    violations.push({ invariant: "I18", what });
  }
  return violations;
}

function isAcknowledged({ kind, outcome }: Operation): boolean {
  return kind === "append" && outcome === "yes";
}

function isMeanwhile(operation: Operation, { actor, sequence }: AppliedCommit): boolean {
  const { startedSequence, endedSequence } = operation;
  return actor === operation.actor && sequence > startedSequence && sequence < endedSequence;
}

function isInState({ actor, value }: Operation, applied: RunLog["applied"]): boolean {
  const stored = JSON.stringify(value);
  return applied.some(
    ({ actor: owner, commit }) =>
      owner === actor && typeof commit.state === "string" && commit.state.includes(stored),
  );
}
