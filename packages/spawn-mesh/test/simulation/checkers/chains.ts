/**
 * The chain of commits of each actor, from the database's own log.
 *
 * I1: every commit names the etag that was there before it, and revisions have no gaps.
 * I3: every state is the one before it, or the one that is restored, with something appended; after a delete
 * it begins anew, and nothing of the time before comes back.
 * I5: no state has a value twice, and what is remembered by its key is not done again. A delete ends what was
 * remembered before it.
 */
import type { Commit, Etag } from "../../../src/engine/statestore.ts";
import { itemsOf } from "../run-log.ts";
import type { AppliedCommit, Restoring, RunLog, Violation } from "../run-log.ts";
import { beginsLike } from "./restores.ts";

interface Chain {
  etag: Etag | undefined;
  revision: number;
  items: readonly string[];
  /** What was in a state before a delete. */
  readonly past: Set<string>;
  /** The idempotency keys that are remembered, which are the values that they stand for. */
  readonly keys: Set<string>;
}

type Log = Pick<RunLog, "applied" | "restored">;

export function checkChains({ applied, restored }: Log): readonly Violation[] {
  const chains = new Map<string, Chain>();
  return applied.flatMap((entry) => {
    const chain: Chain = chains.get(entry.actor) ?? {
      etag: undefined,
      revision: 0,
      items: [],
      past: new Set(),
      keys: new Set(),
    };
    chains.set(entry.actor, chain);
    const isRestored = restored.some((restoring) => isRestoredBy(restoring, entry, applied));
    if (isRestored) chain.items = [];
    return extend(chain, entry);
  });
}

/** Whether a commit may be what came of a restore. */
export function isRestoredBy(
  { actor, source, revision, startedSequence, endedSequence }: Restoring,
  entry: AppliedCommit,
  applied: Log["applied"],
): boolean {
  if (entry.actor !== actor) return false;
  if (entry.sequence < startedSequence || entry.sequence > endedSequence) return false;
  const was = applied.find((one) => one.actor === source && one.commit.revision === revision);
  return beginsLike(entry, was);
}

function extend(chain: Chain, { actor, owner, commit }: AppliedCommit): readonly Violation[] {
  const violations: Violation[] = [];
  const what = `revision ${commit.revision} of ${actor} by ${owner}`;
  if (commit.previous !== chain.etag) {
    violations.push({ invariant: "I1", what: `${what} does not follow the commit before it` });
  }
  if (commit.revision !== chain.revision + 1) {
    violations.push({ invariant: "I1", what: `${what} comes after revision ${chain.revision}` });
  }
  const items = commit.isDelete ? [] : itemsOf(commit);
  if (commit.isDelete) endLife(chain, commit);
  else if (!chain.items.every((item, index) => items[index] === item)) {
    violations.push({ invariant: "I3", what: `${what} is not what was there with more appended` });
  }
  for (const { key } of commit.replies) {
    if (chain.keys.has(key))
      violations.push({ invariant: "I5", what: `${what} does ${key} again` });
    chain.keys.add(key);
  }
  if (new Set(items).size < items.length) {
    violations.push({ invariant: "I5", what: `${what} has a value twice` });
  }
  if (chain.past.size > 0 && items.some((item) => chain.past.has(item))) {
    violations.push({ invariant: "I3", what: `${what} has what was deleted` });
  }
  chain.etag = commit.etag;
  chain.revision = commit.revision;
  chain.items = items;
  return violations;
}

function endLife({ items, past, keys }: Chain, commit: Commit): void {
  for (const item of [...items, ...itemsOf(commit)]) past.add(item);
  // Calls that are not remembered any more may be done again.
  for (const key of keys) past.delete(key);
  keys.clear();
}
