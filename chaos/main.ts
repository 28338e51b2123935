/** `bin/chaos`: runs a fault scenario with real processes and says whether every promise was kept. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadMutation, mutatedWorkspace } from "../scripts/apply-mutation.ts";
import { figuresTable } from "./figures-table.ts";
import { effects } from "./effects.ts";
import { kill9 } from "./kill9.ts";
import { ProgressLine } from "./progress-line.ts";
import type { Scenario, ScenarioOptions, ScenarioReport } from "./scenario.ts";
import { scratchDirectory } from "./scratch-directory.ts";
import { storeMariadb, storePostgres } from "./store-faults.ts";

const scenarios: Readonly<Record<string, Scenario>> = {
  kill9,
  effects,
  "store-postgres": storePostgres,
  "store-mariadb": storeMariadb,
};

const USAGE = `usage: bin/chaos SCENARIO [--kills N] [--seconds N] [--seed S] [--mutate NAME] [--json]

${Object.entries(scenarios)
  .map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`)
  .join("\n")}

  --kills N      how often the fault happens (default: the scenario's, or no bound with --seconds)
  --seconds N    no more faults after this time
  --seed S       repeats the choices of a run; the timing of real processes stays their own
  --mutate NAME  takes one protection off: the run has to fail. Others of
                 packages/spawn-mesh/test/mutations may need more than a kill
${Object.entries(scenarios)
  .map(([name, { mutations }]) => `                 ${name}: ${mutations.join(", ")}`)
  .join("\n")}
  --json         the last line is one JSON object with the figures`;

const SEED_MAX = 2 ** 31;

interface Command extends Pick<ScenarioOptions, "seed" | "seconds" | "kills"> {
  readonly name: string;
  readonly scenario: Scenario;
  readonly mutate: string | undefined;
  readonly isJson: boolean;
}

const command = readCommand();
// A run that broke off may have left something that would go on.
process.exit(typeof command === "number" ? command : await run(command));

/** The command, or the exit status if there is nothing to run. */
function readCommand(): Command | number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        kills: { type: "string" },
        seconds: { type: "string" },
        seed: { type: "string" },
        mutate: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return 0;
    }
    const [name = "", ...others] = positionals;
    const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined;
    if (scenario === undefined || others.length > 0) {
      throw new Error(`expected one scenario, got ${JSON.stringify(positionals.join(" "))}`);
    }
    const isTimed = values.seconds !== undefined;
    return {
      name,
      scenario,
      kills: wholeNumber("--kills", values.kills) ?? (isTimed ? Infinity : scenario.killsDefault),
      seconds: wholeNumber("--seconds", values.seconds),
      seed: wholeNumber("--seed", values.seed) ?? Math.floor(Math.random() * SEED_MAX),
      mutate: values.mutate,
      isJson: values.json,
    };
  } catch (error) {
    console.error(`bin/chaos: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new Error(`${option}: expected a whole number, got ${JSON.stringify(text)}`);
}

async function run(command: Command): Promise<number> {
  const { name, scenario, seed, kills, seconds, mutate } = command;
  using scratch = scratchDirectory(`spawn-mesh-${name}-`);
  using copy =
    mutate === undefined ? undefined : mutatedWorkspace(await loadMutation(mutate), ["chaos"]);
  const workspace = copy?.root ?? join(import.meta.dirname, "..");
  const directory = join(scratch.path, "run");
  const progress = new ProgressLine();
  progress.note(
    `${name}: ${scenario.summary} (seed ${seed}${mutate ? `, mutation ${mutate}` : ""})`,
  );
  const report = await scenario
    .run({ seed, kills, seconds, workspace, directory, progress })
    .catch(brokenOff);
  progress.end();
  print(command, report);
  const isFailed = report.problems.length > 0;
  if (isFailed && mutate === undefined) {
    scratch.keep();
    console.error(`What the run wrote is kept in ${directory}`);
  }
  return isFailed ? 1 : 0;
}

/** A run that could not go on, with a worker that does not start again for example, has failed too. */
function brokenOff(error: unknown): Omit<ScenarioReport, "figures"> {
  console.error(error);
  return { table: [], problems: [`the run broke off: ${(error as Error).message}`] };
}

function print(
  { name, seed, mutate, isJson }: Command,
  report: Omit<ScenarioReport, "figures"> & Partial<ScenarioReport>,
): void {
  const { figures, table, problems } = report;
  if (table.length > 0) console.log(`\n${figuresTable(table)}\n`);
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  if (mutate !== undefined) {
    const isNoticed = figures !== undefined && problems.length > 0;
    console.log(`the mutation ${mutate} was ${isNoticed ? "noticed" : "NOT noticed"}`);
  }
  console.log(problems.length === 0 ? "Every promise was kept." : `Repeat with --seed ${seed}.`);
  if (isJson) {
    const mutation = mutate === undefined ? {} : { mutation: mutate };
    console.log(JSON.stringify({ scenario: name, seed, ...mutation, ...figures, problems }));
  }
}
