/**
 * I16: what a write-behind actor still has after a crash is a beginning of what it acknowledged, and
 * what it lost was acknowledged within the promised span. That holds through outages too, because
 * changes are refused as soon as the oldest one waits for too long.
 *
 * Checked where the store is exclusive: with two incarnations at once the loser of the race loses
 * its tail in every round, and the spans run together.
 */
import { itemsOf } from "../run-log.ts";
import type { Operation, RunLog, Violation } from "../run-log.ts";

type Log = Pick<RunLog, "operations" | "applied" | "isExclusive" | "writeBehindBoundMs">;

export function checkWriteBehind(log: Log): readonly Violation[] {
  const { operations, applied, isExclusive, writeBehindBoundMs } = log;
  if (!isExclusive) return [];
  const finals = new Map<string, ReadonlySet<string>>();
  for (const { actor, role, commit } of applied) {
    if (role === "write-behind") finals.set(actor, new Set(itemsOf(commit)));
  }
  const acknowledged = operations
    .filter(
      ({ role, kind, outcome }) =>
        role === "write-behind" && kind === "append" && outcome === "yes",
    )
    .filter((operation) => operation.madeAt !== undefined)
    .toSorted((a, b) => a.madeAt! - b.madeAt!);
  const lives = Map.groupBy(acknowledged, ({ actor, owner }) => `${actor} of ${owner}`);
  return [...lives].flatMap(([life, ofLife]) => {
    const stored = finals.get(ofLife[0]!.actor) ?? new Set();
    return checkLife(life, ofLife, { stored, boundMs: writeBehindBoundMs });
  });
}

/** What one incarnation acknowledged, in that order. */
function checkLife(
  life: string,
  acknowledged: readonly Operation[],
  kept: { readonly stored: ReadonlySet<string>; readonly boundMs: number },
): readonly Violation[] {
  const lost = acknowledged.filter(({ value }) => !kept.stored.has(value!));
  if (lost.length === 0) return [];
  const first = lost[0]!;
  const violations: Violation[] = [];
  const keptLater = acknowledged.find(
    (operation) => kept.stored.has(operation.value!) && operation.madeAt! > first.madeAt!,
  );
  if (keptLater !== undefined) {
    const what = `${life} kept ${keptLater.value} and lost ${first.value}, which came before`;
    violations.push({ invariant: "I16", what });
  }
  const spanMs = lost.at(-1)!.madeAt! - first.madeAt!;
  if (spanMs > kept.boundMs) {
    const what = `${life} lost ${spanMs} ms of what it acknowledged, at most ${kept.boundMs}`;
    violations.push({ invariant: "I16", what });
  }
  return violations;
}
