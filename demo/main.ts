/** `bin/demo`: real flights through thousands of actors, a `kill -9` in the middle, exact totals. */
import { join } from "node:path";
import { parseArgs, styleText } from "node:util";
import { figuresTable, format } from "../chaos/figures-table.ts";
import { KillableWorker, type WorkerProgram } from "../chaos/killable-worker.ts";
import { bar, ProgressLine } from "../chaos/progress-line.ts";
import { RestartedWorker } from "../chaos/restarted-worker.ts";
import { scratchDirectory } from "../chaos/scratch-directory.ts";
import type { Flight } from "./flight-actors.ts";
import { FlightsBesideSidecar } from "./flights-beside-sidecar.ts";
import { compareTotals, readFlights, totalsOf, type Totals } from "./flight-totals.ts";
import { streamFlights, type StreamTally } from "./stream-flights.ts";
import type { DemoRequest } from "./worker.ts";

const USAGE = `usage: bin/demo [--sidecar] [--repeat N]

  Sends 20 000 flight records to actors, one an airport and one a route, in a process that is
  killed with SIGKILL on the way, and compares every total with the file.

  --sidecar    keeps the actors in a sidecar, beside the process that runs their actions; the
               sidecar is killed in the first round and that process in the second
  --repeat N   streams the file N times, with a kill each time (default 1, with --sidecar 2)`;

const REPEAT_MAX = 1_000;

/** What the arguments ask for. */
interface Wish {
  readonly rounds: number;
  readonly isBesideSidecar: boolean;
}

const wish = readWish();
process.exitCode = typeof wish === "string" ? usageError(wish) : await demo(wish);

/** What to show, or what is wrong with the arguments. */
function readWish(): Wish | string {
  try {
    const { values } = parseArgs({
      options: {
        repeat: { type: "string" },
        sidecar: { type: "boolean", default: false },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help === true) return "";
    const { sidecar: isBesideSidecar, repeat = isBesideSidecar ? "2" : "1" } = values;
    const rounds = Number(repeat);
    if (/^\d+$/.test(repeat) && rounds >= 1 && rounds <= REPEAT_MAX)
      return { rounds, isBesideSidecar };
    return `--repeat: expected a whole number from 1 to ${REPEAT_MAX}, got "${repeat}"`;
  } catch (error) {
    return (error as Error).message;
  }
}

function usageError(problem: string): number {
  if (problem !== "") console.error(`bin/demo: ${problem}\n`);
  console.log(USAGE);
  return problem === "" ? 0 : 2;
}

async function demo({ rounds, isBesideSidecar }: Wish): Promise<number> {
  using scratch = scratchDirectory("spawn-mesh-demo-");
  const file = join(scratch.path, "state.db");
  const programOf = (name: string, arg: string): WorkerProgram => ({
    program: join(import.meta.dirname, name),
    args: [arg],
    compileCache: join(scratch.path, "compiled"),
  });
  const program = programOf("worker.ts", file);
  const flights = readFlights();
  const expected = totalsOf(flights, rounds);
  const times = rounds === 1 ? "" : `, ${rounds} times`;
  console.log(`${styleText("bold", "Spawn Mesh")}  ${format(flights.length)} US flights${times}`);
  console.log(
    `one actor for each of ${expected.airport.size} airports and ` +
      `${format(expected.route.size)} routes, kept in a SQLite file` +
      `${isBesideSidecar ? " by a sidecar" : ""}\n`,
  );

  const progress = new ProgressLine(process.stdout);
  progress.show(() => "  starting the process that holds the actors …");
  const socket = join(scratch.path, "spawn.sock");
  const host = programOf("sidecar-host.ts", `unix:${socket}`);
  const keeper = isBesideSidecar
    ? await FlightsBesideSidecar.start({ file, socket, host })
    : await RestartedWorker.start(program);
  const tally = await stream(keeper, { flights, rounds, progress });
  progress.show(() => "  reading every actor in a new process …");
  const actual = await readTotals(program, expected);
  progress.end();
  return report({ expected, actual, tally, records: flights.length * rounds });
}

async function stream(
  keeper: FlightsBesideSidecar | RestartedWorker,
  run: {
    readonly flights: readonly Flight[];
    readonly rounds: number;
    readonly progress: ProgressLine;
  },
): Promise<StreamTally> {
  const { flights, rounds, progress } = run;
  const victim = (): string => ("victim" in keeper ? ` the ${keeper.victim}` : "");
  const tally = await streamFlights(keeper, {
    flights,
    rounds,
    onAcknowledged: (now) =>
      progress.show(() => progressText(now, { of: flights.length * rounds })),
    onKill: ({ acknowledged }) =>
      progress.note(
        `  ${styleText("red", "kill -9")}  ${victim()} at flight ${format(acknowledged)}`,
      ),
    onRestart: ({ restartsMs, repeated }) =>
      progress.note(
        `  ${styleText("green", "back")}      after ${milliseconds(restartsMs.at(-1))}; ` +
          `${format(repeated)} flights were in the air and are sent again`,
      ),
  });
  await keeper.stop();
  progress.note(progressText(tally, { of: flights.length * rounds }));
  return tally;
}

function progressText({ acknowledged, seconds }: StreamTally, { of }: { of: number }): string {
  const rate = Math.round(acknowledged / Math.max(seconds, 0.001));
  return `  ${bar(acknowledged / of)} ${format(acknowledged)} of ${format(of)}  ${format(rate)}/s`;
}

/** Asks every actor for its state, in a process of its own: what it says comes from the file. */
async function readTotals(program: WorkerProgram, expected: Totals): Promise<Totals> {
  const worker = await KillableWorker.start(program);
  const read = async <Total>(definition: keyof Totals): Promise<ReadonlyMap<string, Total>> => {
    const names = [...expected[definition].keys()];
    const states = names.map(async (name): Promise<[string, Total]> => {
      const answer = await worker.ask({ type: "read", definition, name } satisfies DemoRequest);
      if (answer.type === "reply") return [name, answer.reply as Total];
      throw new Error(`${definition} ${name} cannot be read: ${JSON.stringify(answer)}`);
    });
    return new Map(await Promise.all(states));
  };
  const totals: Totals = { airport: await read("airport"), route: await read("route") };
  await worker.stop();
  return totals;
}

function report(run: {
  readonly expected: Totals;
  readonly actual: Totals;
  readonly tally: StreamTally;
  readonly records: number;
}): number {
  const { expected, actual, tally, records } = run;
  const { lost, doubled, wrong } = compareTotals(expected, actual);
  console.log(`\n${highlights(actual)}\n`);
  const rate = Math.round(tally.acknowledged / tally.seconds);
  const longestMs = Math.max(...tally.restartsMs);
  console.log(
    figuresTable([
      ["records", records],
      ["actors", actual.airport.size + actual.route.size],
      ["acknowledged", tally.acknowledged],
      ["lost", lost],
      ["doubled", doubled],
      ["unknown", tally.unknown],
      ["rate", `${format(rate)}/s`, "records; each is three durable changes"],
      ["restart", milliseconds(longestMs), "from kill -9 to the next acknowledgement"],
    ]),
  );
  const isRight = lost + doubled + wrong + tally.unknown === 0 && tally.acknowledged === records;
  console.log(
    isRight
      ? `\n${styleText("green", "Every total is exactly what the file says.")}`
      : `\n${styleText("red", "The totals are not what the file says.")} ${wrong} actors have wrong delays.`,
  );
  return isRight ? 0 : 1;
}

function highlights({ airport }: Totals): string {
  const airports = [...airport].map(([name, { departures, arrivals, worst }]) => ({
    name,
    worst,
    movements: departures + arrivals,
  }));
  const [busiest] = airports.toSorted((a, b) => b.movements - a.movements);
  const delay = (flight: Flight | null | undefined) => flight?.delay ?? -Infinity;
  const worst = airports.toSorted((a, b) => delay(b.worst) - delay(a.worst))[0]?.worst;
  return [
    `  busiest airport   ${busiest?.name}, ${format(busiest?.movements ?? 0)} departures and arrivals`,
    `  longest delay     ${worst?.origin} to ${worst?.destination} on ${worst?.date}, ${format(delay(worst))} minutes`,
  ].join("\n");
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? "?" : `${format(Math.round(ms))} ms`;
}
