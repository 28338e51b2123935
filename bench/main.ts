/** `bin/bench`: our workloads and their floors, interleaved in one run, each in a fresh process. */
import { parseArgs } from "node:util";
import type { Line } from "./harness/measure.ts";
import { preparePeer, runFloor, runOurs, runPeer } from "./harness/programs.ts";
import { tableOf } from "./harness/report.ts";
import type { Measured } from "./harness/report.ts";
import { benchSchedules } from "./schedules.ts";
import { findWorkloads, workloadNames } from "./harness/workloads.ts";
import type { Peer, WorkloadEntry } from "./harness/workloads.ts";

const SCHEDULES = "schedules";

const USAGE = `usage: bin/bench [WORKLOAD…] [--peers] [--json] [--seconds N] [--rounds N]

  WORKLOAD      a name or its beginning; default: all down to effects
                ${workloadNames.join(" ")}
                ${SCHEDULES}, alone: a million calls that wait for later
  --peers       run GenServer and Restate beside ours, where they can be had
  --json        print one JSON line a measurement instead of the table
  --seconds N   measured seconds a workload; default 3
  --rounds N    how often everything is run; the table has medians; default 3`;

/** Those that have to be installed; the others always run. */
const INSTALLED_PEERS = ["genserver", "restate"] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});

function refuse(reason: string): never {
  process.stderr.write(`${reason}\n${USAGE}\n`);
  process.exit(2);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

function positive(option: string, text: string): number {
  const value = Number(text);
  return value > 0 ? value : refuse(`--${option}: expected a positive number, got ${text}`);
}

/** The peers that can run here; the others are named with the reason. */
function availablePeers(workloads: readonly WorkloadEntry[]): readonly Peer[] {
  const wanted = INSTALLED_PEERS.filter((peer) =>
    workloads.some(({ peers }) => peers.includes(peer)),
  );
  return wanted.filter((peer) => {
    const missing = preparePeer(peer);
    if (missing !== undefined) progress(`skipped ${peer}: ${missing}`);
    return missing === undefined;
  });
}

async function runRound(measured: Measured, peers: readonly Peer[]): Promise<readonly Line[]> {
  const { workload } = measured;
  const ours = await runOurs(workload);
  const floor = await runFloor(workload);
  measured.ours.push(...ours);
  measured.floor.push(...floor);
  const lines = [...ours, ...floor];
  for (const peer of peers.filter((name) => workload.peers.includes(name))) {
    const beside = await runPeer(peer, workload);
    measured.peers.set(peer, [...(measured.peers.get(peer) ?? []), ...beside]);
    lines.push(...beside);
  }
  return lines;
}

if (values.help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
if (positionals.includes(SCHEDULES)) {
  if (positionals.length > 1) refuse(`${SCHEDULES} is measured alone`);
  await benchSchedules(Math.ceil(positive("rounds", values.rounds)), values.json);
  process.exit(0);
}
const workloads =
  findWorkloads(positionals) ?? refuse(`no such workload: ${positionals.join(" ")}`);
const rounds = Math.ceil(positive("rounds", values.rounds));
process.env["BENCH_SECONDS"] = `${positive("seconds", values.seconds)}`;
const peers: readonly Peer[] = ["row-by-row", ...(values.peers ? availablePeers(workloads) : [])];
const all = workloads.map((workload): Measured => ({
  workload,
  ours: [],
  floor: [],
  peers: new Map(),
}));
for (let round = 1; round <= rounds; round++) {
  for (const measured of all) {
    const lines = await runRound(measured, peers);
    const rates = lines.map(({ peer, opsPerSec }) => `${peer} ${opsPerSec}/s`).join(", ");
    progress(`round ${round}/${rounds}  ${measured.workload.name}: ${rates}`);
    if (values.json) for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}
if (!values.json) process.stdout.write(`\n${tableOf(all)}\n`);
