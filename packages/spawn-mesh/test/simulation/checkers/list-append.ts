/**
 * The list-append checker: clients append unique values to lists and remember what they were told.
 * The final list is the one order in which everything happened, and each answer must agree with it.
 * After Elle (Kingsbury, Alvaro, VLDB 2020), reduced to one list an operation.
 *
 * - I2: what was acknowledged is in the final list, at the place that the answer said.
 * - I4: what was said not to be applied is not there, nor are traces of actions that failed.
 * - I5: nothing is there twice.
 * - I3: what was read is the beginning of the final list.
 * - I8: in real time nobody sees less than was answered before they asked (exclusive store only).
 */
import { isEnding, itemsOf, mayBeGone } from "../run-log.ts";
import type { Operation, RunLog, Violation } from "../run-log.ts";

type Log = Pick<RunLog, "operations" | "applied" | "restored" | "isExclusive">;

export function checkListAppends(log: Log): readonly Violation[] {
  const { operations, applied, isExclusive } = log;
  const finals = new Map<string, readonly string[]>();
  for (const { actor, commit, role } of applied) {
    if (role === "list" || role === "write-behind") finals.set(actor, itemsOf(commit));
  }
  return [...Map.groupBy(operations, ({ actor }) => actor)].flatMap(([actor, ofActor]) => {
    const list = finals.get(actor) ?? [];
    const role = ofActor[0]!.role;
    if (isEnding(role)) return checkEnding(actor, ofActor, log);
    if (role !== "list" && role !== "write-behind") return [];
    const violations = [...checkContents(actor, ofActor, list)];
    if (role === "write-behind") return violations;
    violations.push(...ofActor.flatMap((operation) => checkAnswer(operation, list)));
    if (isExclusive) violations.push(...checkRealTime(ofActor));
    return violations;
  });
}

/** What the list holds, whatever anybody was told about durability. */
function checkContents(
  actor: string,
  operations: readonly Operation[],
  list: readonly string[],
): readonly Violation[] {
  const violations: Violation[] = [];
  const byValue = new Map(operations.map((operation) => [operation.value, operation]));
  const seen = new Set<string>();
  for (const value of list) {
    if (seen.has(value))
      violations.push({ invariant: "I5", what: `${value} is in ${actor} twice` });
    seen.add(value);
    const operation = byValue.get(value);
    if (operation === undefined) {
      violations.push({ invariant: "I4", what: `${value} is in ${actor}, left by what failed` });
    } else if (operation.outcome === "no") {
      violations.push({ invariant: "I4", what: `${value} is in ${actor}, but was refused` });
    }
  }
  return violations;
}

function checkAnswer(operation: Operation, list: readonly string[]): readonly Violation[] {
  const { kind, actor, value, outcome, version, items } = operation;
  if (outcome !== "yes") return [];
  if (kind === "read") {
    const isPrefix = items?.every((item, index) => list[index] === item) ?? true;
    return isPrefix ? [] : [{ invariant: "I3", what: `what was read of ${actor} never was there` }];
  }
  const place = list.indexOf(value!) + 1;
  if (place === 0) return [{ invariant: "I2", what: `${value} was acknowledged, not in ${actor}` }];
  if (version === undefined || version === place) return [];
  return [{ invariant: "I3", what: `${value} is number ${place} of ${actor}, not ${version}` }];
}

/** No operation may have a smaller version than one that was answered before it began. */
function checkRealTime(operations: readonly Operation[]): readonly Violation[] {
  const answered = operations.filter(
    ({ outcome, version }) => outcome === "yes" && version !== undefined,
  );
  const byStart = answered.toSorted((a, b) => a.startedSequence - b.startedSequence);
  const byEnd = answered.toSorted((a, b) => a.endedSequence - b.endedSequence);
  const violations: Violation[] = [];
  let ended = 0;
  let newest = 0;
  for (const { startedSequence, kind, version, actor, value } of byStart) {
    for (; byEnd[ended]!.endedSequence < startedSequence; ended++) {
      newest = Math.max(newest, byEnd[ended]!.version!);
    }
    const isLate = kind === "append" ? version! <= newest : version! < newest;
    if (!isLate) continue;
    const what = `${kind} ${value ?? ""} of ${actor} saw ${version} after ${newest} was answered`;
    violations.push({ invariant: "I8", what });
  }
  return violations;
}

/** Lists that end or are restored now and then: every answer must agree with some state that was committed. */
function checkEnding(
  actor: string,
  operations: readonly Operation[],
  log: Pick<Log, "applied" | "restored">,
): readonly Violation[] {
  const states = log.applied
    .filter((entry) => entry.actor === actor)
    .map(({ commit }) => itemsOf(commit));
  const ever = new Set(states.flat());
  return operations.flatMap((operation): readonly Violation[] => {
    const { kind, value, outcome, items, version } = operation;
    if (kind === "append" && outcome === "no" && ever.has(value!)) {
      return [{ invariant: "I4", what: `${value} was in ${actor}, but was refused` }];
    }
    if (mayBeGone(operation, log)) return [];
    if (kind === "append" && outcome === "yes") {
      if (!ever.has(value!))
        return [{ invariant: "I2", what: `${value} was acknowledged and never in ${actor}` }];
      if (version === undefined || states.some((state) => state[version - 1] === value)) return [];
      return [{ invariant: "I3", what: `${value} never was number ${version} of ${actor}` }];
    }
    // A reply may show a state between two commits that went together.
    const isKnown = items === undefined || items.length === 0 || isPrefixOfAny(items, states);
    return isKnown ? [] : [{ invariant: "I3", what: `what was read of ${actor} never was there` }];
  });
}

function isPrefixOfAny(items: readonly string[], states: readonly (readonly string[])[]): boolean {
  return states.some((state) => items.every((item, index) => state[index] === item));
}
