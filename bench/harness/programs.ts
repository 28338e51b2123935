/** Starts a measuring program in a fresh process and reads the JSON lines that it prints. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ScheduleLine } from "../schedules.ts";
import type { Line } from "./measure.ts";
import type { Peer, WorkloadEntry } from "./workloads.ts";

const BENCH = join(import.meta.dirname, "..");
const PEERS = join(BENCH, "peers");
const NODE = [process.execPath, "--expose-gc", "--conditions=@spawn-mesh/source"] as const;

type Command = readonly [program: string, ...args: string[]];

/** Most variants are compared with the same floor as the workloads they belong to. */
function floorName({ name, floor }: WorkloadEntry): string {
  // Over a Unix socket the hops differ, and with nothing else.
  const isOwn = floor === "floor-database.ts" || /\/(uds|seq)$/.test(name);
  return isOwn ? name : name.split("/")[0]!;
}

export async function runOurs(workload: WorkloadEntry): Promise<readonly Line[]> {
  const { name, program = "spawn-mesh.ts" } = workload;
  return linesOf([...NODE, join(BENCH, program), name]);
}

export async function runFloor(workload: WorkloadEntry): Promise<readonly Line[]> {
  const { floor, beside } = workload;
  if (beside !== undefined) return linesOf([...NODE, join(BENCH, "spawn-mesh.ts"), beside]);
  return floor === undefined ? [] : linesOf([...NODE, join(BENCH, floor), floorName(workload)]);
}

/** One process of `schedules.ts`. */
export async function runScheduled(
  measured: ScheduleLine["measured"],
  file: string,
  waiting: number,
): Promise<ScheduleLine> {
  const program = join(BENCH, "schedules-run.ts");
  const [line] = await linesOf<ScheduleLine>([...NODE, program, measured, file, `${waiting}`]);
  return line!;
}

export async function runPeer(peer: Peer, { name }: WorkloadEntry): Promise<readonly Line[]> {
  return linesOf(peerCommands[peer](name));
}

const peerCommands: Readonly<Record<Peer, (workload: string) => Command>> = {
  genserver: (workload) => ["elixir", join(BENCH, "peer-genserver.exs"), workload],
  restate: (workload) => [...NODE, join(BENCH, "peer-restate.ts"), workload],
  "row-by-row": (workload) => [...NODE, join(BENCH, "floor-database.ts"), workload, "row-by-row"],
};

/** What has to be there before `peer` can run; the answer says what is missing. */
export function preparePeer(peer: Exclude<Peer, "row-by-row">): string | undefined {
  if (peer === "genserver") {
    const isThere = spawnSync("elixir", ["--version"]).status === 0;
    return isThere ? undefined : "elixir is missing (Debian: apt-get install elixir)";
  }
  if (process.platform !== "linux" || process.arch !== "x64")
    return "its server is installed for Linux on x64 only";
  if (existsSync(join(PEERS, "node_modules", "@restatedev", "restate-sdk"))) return undefined;
  process.stderr.write("Installing bench/peers (Restate, once) …\n");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: PEERS,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return status === 0 ? undefined : "npm ci failed in bench/peers";
}

function linesOf<Printed = Line>([program, ...args]: Command): Promise<readonly Printed[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.on("error", reject);
    child.on("close", (status) => {
      const lines = output.split("\n").filter((line) => line.startsWith("{"));
      if (status === 0 && lines.length > 0)
        resolve(lines.map((line) => JSON.parse(line) as Printed));
      else reject(new Error(`${[program, ...args].join(" ")} ended with ${status}`));
    });
  });
}
