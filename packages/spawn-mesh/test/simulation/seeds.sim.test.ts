/**
 * Fixed seeds of the simulation, on every run. What they once found in the engine is kept as
 * mutations: a seed means something else as soon as the simulation learns something new.
 *
 * A simulation that does not reach what it is about proves nothing, so the run also counts what
 * happened and fails when a fault, or a way through the engine, did not happen at all.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postModes } from "./posts.ts";
import { disasters, requestFaults } from "./profile.ts";
import { simulate } from "./simulation.ts";

const isLong = process.env["SPAWN_TEST_ALL"] !== undefined;
const FIRST_SEED = 1;
const SEEDS = isLong ? 10_000 : 1_000;
const SEEDS_A_TEST = isLong ? 500 : 100;

/** What has to happen at least once in the fixed seeds. */
const mustHappen = [
  ...requestFaults.map((fault) => `fault ${fault}`),
  ...disasters.map((disaster) => `fault ${disaster}`),
  "fault poisoned-row",
  "fault row of newer program",
  "fault row of older program",
  "fault abort",
  ...["throw", "fail", "reject", "garbage", "garbage-state", "hang", "slow", "relay"].map(
    (mode) => `code ${mode}`,
  ),
  ...[
    "fenced",
    "commit-ambiguous",
    "run-abandoned",
    "write-behind-lost",
    "store-failed",
    "expired",
  ].map((type) => `event ${type}`),
  ...[
    "UNKNOWN_OUTCOME",
    "STATESTORE_UNAVAILABLE",
    "STATE_CORRUPT",
    "KEY_COLLISION",
    "DEADLINE_EXCEEDED",
    "CANCELLED",
    "OVERLOADED",
    "SHUTTING_DOWN",
    "PAYLOAD_TOO_LARGE",
  ].map((code) => `answer ${code}`),
  "ambiguous: yes, by repeating",
  "ambiguous: yes, by the row",
  "ambiguous: yes, by the base etag",
  "ambiguous: no, overtaken",
  "ambiguous: unknown, given up",
  "ambiguous: unknown, several owners since",
  ...["append", "read", "delete"].map((kind) => `done ${kind}`),
  ...["lost message request", "lost message answer", "message ghost"].map(
    (what) => `fault ${what}`,
  ),
  ...postModes.map((mode) => `post ${mode}`),
  ...postModes.map((mode) => `outside ${mode}`),
  "post step",
  ...[
    "sent",
    "claimed",
    "claimed again",
    "consumed",
    "replaced",
    "removed",
    "unwanted",
    "cancelled",
    "parked",
    "retried",
    "discarded",
    "fired",
    "forgotten",
  ].map((what) => `message ${what}`),
  "broadcast expanded",
  "broadcast continued",
  "tick missed",
  "ended by a message",
  "operator cancelled",
  "deleted itself",
  "purged",
  "purged not",
  "reindexed",
  "reindexed not: overtaken",
  "broken deleted",
  "broken restored",
  "key changed",
  "key change failed",
  "restored",
  "recollected",
  "recollected nothing",
  "forked",
  "refused: hard-pressed",
  "refused: in vain",
  "refused duplicate",
  "keyed chain followed",
  "send UNKNOWN_OUTCOME",
  "rolled back",
  "executed again",
  "found by its key",
];

const totals = new Map<string, number>();
const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => void rejections.push(reason);

beforeAll(() => void process.on("unhandledRejection", onRejection));
afterAll(() => void process.off("unhandledRejection", onRejection));

async function expectNothingWrong(seed: number): Promise<void> {
  const { violations, counts } = await simulate(seed);
  for (const [what, times] of counts) totals.set(what, (totals.get(what) ?? 0) + times);
  const lines = violations.map(({ invariant, what }) => `${invariant}: ${what}`);
  expect(lines, `replay with bin/simulate --seed ${seed}`).toEqual([]);
}

describe("the engine keeps its promises", () => {
  for (let from = FIRST_SEED; from < FIRST_SEED + SEEDS; from += SEEDS_A_TEST) {
    test(`in seeds ${from} to ${from + SEEDS_A_TEST - 1}`, async () => {
      for (let seed = from; seed < from + SEEDS_A_TEST; seed++) await expectNothingWrong(seed);
    });
  }

  test("and everything that was to be simulated has happened", () => {
    const sum = (prefix: string): number =>
      [...totals].reduce((all, [what, times]) => (what.startsWith(prefix) ? all + times : all), 0);
    console.log(
      `${SEEDS} seeds, ${sum("operations")} operations, ` +
        `${sum("commits")} commits, ${sum("incarnations")} incarnations, ${sum("fault ")} faults; ` +
        `ambiguous commits: ${sum("ambiguous: yes")} yes, ${sum("ambiguous: no")} no, ` +
        `${sum("ambiguous: unknown")} unknown`,
    );
    expect(mustHappen.filter((what) => (totals.get(what) ?? 0) === 0)).toEqual([]);
    expect(rejections).toEqual([]);
  });
});

test("a seed decides everything: run twice, it leaves the same trace", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const first = await simulate(seed);
    const second = await simulate(seed);
    expect(second.traceHash, `seed ${seed}`).toBe(first.traceHash);
    expect(second.trace).toEqual(first.trace);
  }
});
