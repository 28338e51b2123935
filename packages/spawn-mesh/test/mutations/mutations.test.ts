/**
 * Every mutation is caught within a small budget; `npm run mutations` is the long form, with a table.
 *
 * A mutation that the simulation does not catch means that a promise is not tested.
 */
import { afterAll, describe, expect, test } from "vitest";
import {
  runMutation,
  runTestedMutation,
  simulatedMutations,
  testedMutations,
} from "../../../../scripts/run-mutation.ts";

const SEEDS_EACH = 1_000;
const invariantsToBreak = ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I9", "I10"].concat([
  "I13",
  "I14",
  "I15",
  "I16",
  "I17",
  "I18",
  "I21",
]);
const broken = new Set<string>();

describe("the simulation notices", async () => {
  afterAll(() => {
    expect(invariantsToBreak.filter((invariant) => !broken.has(invariant))).toEqual([]);
  });

  for (const name of await simulatedMutations()) {
    test.concurrent(name, async () => {
      const { invariant, objection } = await runMutation(name, SEEDS_EACH);
      expect(objection, `no checker objects to a broken ${invariant}`).toBeDefined();
      broken.add(invariant);
    });
  }
});

describe("a test notices", async () => {
  for (const name of await testedMutations()) {
    test(name, async () => {
      const { objection } = await runTestedMutation(name);
      expect(objection, "the test that has to fail passes, or is not there").toBeDefined();
    });
  }
});
