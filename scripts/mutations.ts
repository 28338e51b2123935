/**
 * `npm run mutations`: takes the protections of the library away one by one and runs the simulation
 * until a checker objects, or the test that has to fail. Ends with a table; its status is not 0 if one was not caught.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import {
  runMutation,
  runTestedMutation,
  simulatedMutations,
  testedMutations,
} from "./run-mutation.ts";
import type { MutationResult } from "./run-mutation.ts";

const USAGE = `usage: npm run mutations -- [--seeds N] [NAME…]

  --seeds N   the seeds of one mutation (2000)
  NAME        run these mutations only`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "2000" },
    help: { type: "boolean", short: "h" },
  },
});
if (values.help === true) console.log(USAGE);
else process.exitCode = await main(Number(values.seeds), positionals);

/** Answers the exit status. */
async function main(seeds: number, wanted: readonly string[]): Promise<number> {
  const tested = await testedMutations();
  const all = [...(await simulatedMutations()), ...tested];
  const unknown = wanted.find((name) => !all.includes(name));
  if (unknown !== undefined || !(seeds >= 1)) {
    const problem =
      unknown === undefined
        ? `--seeds: expected a number of seeds, got ${values.seeds}`
        : `there is no mutation ${JSON.stringify(unknown)} here; there are: ${all.join(", ")}`;
    console.error(`${problem}\n\n${USAGE}`);
    return 2;
  }
  const results = await runEach(wanted.length > 0 ? wanted : all, (name) =>
    tested.includes(name) ? runTestedMutation(name) : runMutation(name, seeds),
  );
  console.log(`\n${table(results)}\n`);
  const missed = results.filter(({ objection }) => objection === undefined);
  console.log(`${results.length} mutations, ${missed.length} not caught`);
  return missed.length === 0 ? 0 : 1;
}

/** Runs as many side by side as there are cores. */
async function runEach(
  names: readonly string[],
  run: (name: string) => Promise<MutationResult>,
): Promise<readonly MutationResult[]> {
  const waiting = [...names];
  const results: MutationResult[] = [];
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const result = await run(name);
      console.log(`${result.objection === undefined ? "NOT CAUGHT" : "caught"}: ${name}`);
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}

function table(results: readonly MutationResult[]): string {
  const rows = results
    .toSorted((a, b) => Number(a.invariant.slice(1)) - Number(b.invariant.slice(1)))
    .map(({ name, seeds, invariant, objection }) => [
      name,
      String(seeds),
      invariant,
      objection ?? "NOTHING",
    ]);
  const lines = [["mutation", "seeds", "invariant", "what the checker saw"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .join("\n");
}
