/** What `bin/bench` runs, what each workload is compared with, and what it has to reach. */
import { stateSizes } from "./state-of-size.ts";

export type Peer = "genserver" | "restate" | "row-by-row";

/** At least `times` the rate of `of`. */
export interface Goal {
  readonly times: number;
  readonly of: "floor" | Peer;
}

export interface WorkloadEntry {
  readonly name: string;
  /** The program of our side. Default: `spawn-mesh.ts`. */
  readonly program?: "effects.ts" | "rotation.ts" | "sidecar.ts" | "sidecar-stream.ts";
  /** The program that measures the least that any design must do. */
  readonly floor?:
    | "floor-inproc.ts"
    | "floor-durable.ts"
    | "floor-point-read.ts"
    | "floor-double-hop.ts"
    | "floor-double-hop-framed.ts"
    | "floor-database.ts";
  /** The workload of our own that stands in for a floor. */
  readonly beside?: string;
  readonly peers: readonly Peer[];
  readonly target?: readonly Goal[];
  readonly moonshot?: Goal;
  /** Heap of an idle actor, in bytes: must not be above, and the aim. */
  readonly heapMaxBytes?: readonly [target: number, moonshot: number];
}

const atLeast = (times: number, of: Goal["of"]): Goal => ({ times, of });

const workloads: readonly WorkloadEntry[] = [
  {
    name: "W1-seq",
    floor: "floor-inproc.ts",
    peers: ["genserver"],
    target: [atLeast(1, "genserver")],
    moonshot: atLeast(2, "genserver"),
  },
  {
    name: "W1-pipe64",
    floor: "floor-inproc.ts",
    peers: ["genserver"],
    target: [atLeast(1.5, "genserver")],
    moonshot: atLeast(0.5, "floor"),
  },
  {
    name: "W2",
    floor: "floor-inproc.ts",
    peers: ["genserver"],
    target: [atLeast(1.5, "genserver")],
    moonshot: atLeast(0.5, "floor"),
  },
  {
    name: "W4-mem",
    floor: "floor-inproc.ts",
    peers: ["genserver"],
    target: [atLeast(1, "genserver")],
    heapMaxBytes: [1024, 512],
  },
  // The same with `durable` on memory, beside it and without a target.
  { name: "W1-seq/durable", floor: "floor-inproc.ts", peers: [] },
  { name: "W1-pipe64/durable", floor: "floor-inproc.ts", peers: [] },
  { name: "W2/durable", floor: "floor-inproc.ts", peers: [] },
  { name: "W4-mem/durable", floor: "floor-inproc.ts", peers: [] },
  {
    name: "W3-seq",
    floor: "floor-durable.ts",
    peers: ["restate"],
    target: [atLeast(0.8, "floor")],
    moonshot: atLeast(0.95, "floor"),
  },
  {
    name: "W3-hot64",
    floor: "floor-durable.ts",
    peers: ["restate"],
    target: [atLeast(0.5, "floor"), atLeast(100, "restate")],
    moonshot: atLeast(0.8, "floor"),
  },
  {
    name: "W3-1k256",
    floor: "floor-durable.ts",
    peers: ["restate"],
    target: [atLeast(0.5, "floor"), atLeast(50, "restate")],
    moonshot: atLeast(0.8, "floor"),
  },
  {
    name: "W4-create",
    floor: "floor-durable.ts",
    peers: ["restate"],
    target: [atLeast(0.4, "floor")],
    moonshot: atLeast(0.7, "floor"),
  },
  {
    name: "W4-reload",
    floor: "floor-point-read.ts",
    peers: ["restate"],
    target: [atLeast(0.3, "floor")],
    moonshot: atLeast(0.6, "floor"),
  },
  {
    name: "effects/one",
    program: "effects.ts",
    beside: "W3-1k256",
    peers: [],
    target: [atLeast(0.35, "floor")],
    moonshot: atLeast(0.5, "floor"),
  },
  { name: "effects/burst100", program: "effects.ts", beside: "W3-1k256", peers: [] },
  { name: "effects/pipe", program: "effects.ts", beside: "W3-1k256", peers: [] },
];

/** The round trip through the sidecar, beside that through a proxy which only passes on. */
const sidecar: readonly WorkloadEntry[] = ["W5-seq", "W5", "W5/uds", "W5/durable"].map((name) => ({
  name,
  program: "sidecar.ts",
  floor: "floor-double-hop.ts",
  peers: [],
  target: [atLeast(0.7, "floor")],
  moonshot: atLeast(1, "floor"),
}));

/** The same with our SDK at both ends, over its streams. */
const streamed: readonly WorkloadEntry[] = ["W5-stream", "W5-stream/tcp", "W5-stream/seq"].map(
  (name) => ({
    name,
    program: "sidecar-stream.ts",
    floor: "floor-double-hop-framed.ts",
    peers: [],
    target: [atLeast(1, "floor")],
  }),
);

/** The curve over state sizes; it has no floor but the smallest state. */
const curve: readonly WorkloadEntry[] = ["W1-seq", "W1-pipe64", "W3-hot64"].flatMap((name) =>
  stateSizes.map((size) => ({ name: `${name}/${size}`, peers: [] })),
);

/** On databases with a server. What is stored there is encrypted, as nothing else is taken. */
const onDatabases: readonly WorkloadEntry[] = ["postgres", "mariadb"].flatMap(
  (database): readonly WorkloadEntry[] => [
    {
      name: `W3-1k256/${database}`,
      floor: "floor-database.ts",
      peers: ["row-by-row"],
      ...(database === "postgres" && { target: [atLeast(3, "row-by-row")] }),
      moonshot: atLeast(0.5, "floor"),
    },
    {
      name: `W4-reload/${database}`,
      floor: "floor-database.ts",
      peers: ["row-by-row"],
      target: [atLeast(0.3, "floor")],
    },
  ],
);

/** What takes a while and is compared with nothing but itself. */
const onDemand: readonly WorkloadEntry[] = [
  ...sidecar,
  ...streamed,
  {
    name: "W4-hosted",
    program: "sidecar.ts",
    peers: [],
    heapMaxBytes: [1024, 512],
  },
  { name: "W3-seq/encrypted", floor: "floor-durable.ts", peers: [] },
  { name: "W3-hot64/encrypted", floor: "floor-durable.ts", peers: [] },
  { name: "W3-1k256/encrypted", floor: "floor-durable.ts", peers: [] },
  { name: "rotation", program: "rotation.ts", peers: [] },
];

/** The names that stand for all of {@link curve} and of {@link onDatabases}. */
const groups: Readonly<Record<string, readonly WorkloadEntry[]>> = {
  sizes: curve,
  databases: onDatabases,
};

/** Those whose name is, or begins with, one of `names`; without names all but the curve and what is on demand. `undefined` for a name that fits none. */
export function findWorkloads(names: readonly string[]): readonly WorkloadEntry[] | undefined {
  if (names.length === 0) return workloads;
  const found = names.map((name) => {
    if (Object.hasOwn(groups, name)) return groups[name]!;
    const exact = [...workloads, ...curve, ...onDatabases, ...onDemand].filter(
      (workload) => workload.name === name,
    );
    return exact.length > 0
      ? exact
      : workloads.filter((workload) => workload.name.startsWith(name));
  });
  return found.some((matches) => matches.length === 0) ? undefined : [...new Set(found.flat())];
}

export const workloadNames: readonly string[] = [
  ...workloads.map(({ name }) => name),
  ...Object.keys(groups),
  ...onDatabases.map(({ name }) => name),
  ...onDemand.map(({ name }) => name),
];
