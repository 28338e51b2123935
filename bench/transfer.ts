/**
 * A system as a stream: how fast it is written and read, and how much memory that takes. Every step is a
 * process of its own, which reports the most memory that it had.
 *
 * usage: bin/node-here bench/transfer.ts [ACTORS]    default 100 000
 */
import { spawn } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createSecretKey } from "node:crypto";
import { encryptedStatestore } from "spawn-mesh/encryption";
import type { Commit, Statestore } from "spawn-mesh/engine";
import { statestoreFromUrl } from "spawn-mesh/statestores";
import { exportSystem, importSystem } from "spawn-mesh/transfer";
import { mariadb } from "../packages/spawn-mesh/test/servers/mariadb.ts";
import { postgres } from "../packages/spawn-mesh/test/servers/postgres.ts";
import { dataFolder } from "./harness/data-folder.ts";
import { textTable } from "./harness/report.ts";

/** What a step found. */
interface StepLine {
  readonly step: string;
  readonly rows: number;
  readonly mib: number;
  readonly seconds: number;
  /** Before the step, and the most while it ran. */
  readonly rssMibBefore: number;
  readonly rssMibMax: number;
}

const SYSTEM = "bench";
const BATCH = 500;
const SAMPLE_MS = 20;
const MIB = 2 ** 20;
/** The keys of databases with a server, which take nothing in clear. */
const encryption = { keys: { bench: createSecretKey(Buffer.alloc(32, 7)) } };

/** Two commits an actor, so that each has a revision; one with a stored reply and a message. */
function commitsOf(index: number): readonly [Commit, Commit] {
  const actor = { system: SYSTEM, definition: "account", name: `account-${index}` };
  const etag = (life: number): string => `${life}${index}`.padStart(16, "-");
  const of = (total: number): string =>
    JSON.stringify({ total, owner: `owner ${index}`, note: "x".repeat(150) });
  const plain = { actor, isDelete: false, replies: [], consumes: [], cancels: [], sends: [] };
  const state = { codec: "json", stateVersion: 1, tags: undefined } as const;
  const first = { handle: undefined, previous: undefined, revisionsKept: 0 };
  const at = Date.now();
  const message = {
    id: `message-${index}`,
    source: actor,
    target: { ...actor, name: `account-${index + 1}` },
    action: "deposit",
    payload: '{"amount":1}',
    headers: { kind: "call" as const },
    isOrdered: true,
    isTimer: false,
    sentAt: at,
    dueAt: at + 3_600_000,
  };
  const key = `key-${index}`;
  const reply = { key, fingerprint: "f", kind: "reply" as const, reply: "1", expiresAt: at + 1e9 };
  return [
    { ...plain, ...state, ...first, etag: etag(1), state: of(0), revision: 1, at },
    {
      ...plain,
      ...state,
      handle: undefined,
      previous: etag(1),
      etag: etag(2),
      revisionsKept: 10,
      state: of(1),
      revision: 2,
      at,
      replies: [reply],
      sends: [message],
    },
  ];
}

async function fill(url: string, actors: number): Promise<void> {
  const store = storeAt(url);
  await store.open({ owner: "fill" });
  for (let from = 0; from < actors; from += BATCH) {
    const pairs = Array.from({ length: Math.min(BATCH, actors - from) }, (_, index) =>
      commitsOf(from + index),
    );
    const handles = await store.commit(pairs.map(([first]) => first));
    await store.commit(pairs.map(([, second], index) => ({ ...second, handle: handles[index] })));
  }
  await store.close();
}

function storeAt(url: string): Statestore {
  const store = statestoreFromUrl(url);
  return store.needsEncryption ? encryptedStatestore(store, encryption) : store;
}

/** Runs one step in this process and prints its line. */
async function runStep(step: string, from: string, to: string): Promise<void> {
  globalThis.gc?.();
  const rssMibBefore = process.memoryUsage.rss() / MIB;
  let rssMibMax = rssMibBefore;
  const sample = (): void =>
    void (rssMibMax = Math.max(rssMibMax, process.memoryUsage.rss() / MIB));
  const sampling = setInterval(sample, SAMPLE_MS);
  const startedAt = performance.now();
  let rows = 0;
  let bytes = 0;
  const onProgress = (progress: {
    rows: Readonly<Record<string, number>>;
    bytes: number;
  }): void => {
    rows = Object.values(progress.rows).reduce((sum, count) => sum + count, 0);
    bytes = progress.bytes;
  };
  if (step === "export") {
    await pipeline(exportSystem(storeAt(from), SYSTEM, { onProgress }), createWriteStream(to));
  } else {
    const options = { system: SYSTEM, onProgress };
    await importSystem(storeAt(to), createReadStream(from), options);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(sampling);
  const line = { step, rows, mib: bytes / MIB, seconds, rssMibBefore, rssMibMax };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function startStep(label: string, ...args: readonly string[]): Promise<StepLine> {
  const node = ["--expose-gc", "--conditions=@spawn-mesh/source", import.meta.filename];
  const child = spawn(process.execPath, [...node, ...args], { stdio: ["ignore", "pipe", 2] });
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
  const status = await new Promise((resolve) => child.on("close", resolve));
  if (status !== 0) throw new Error(`${label} ended with ${String(status)}`);
  const line = { ...(JSON.parse(output) as StepLine), step: label };
  process.stderr.write(`${JSON.stringify(line)}\n`);
  return line;
}

async function measureAll(actors: number): Promise<void> {
  const folder = dataFolder("transfer");
  const urlOf = (name: string): string => `sqlite:${join(folder, name)}.db`;
  const stream = join(folder, "stream.jsonl");
  await fill(urlOf("source"), actors);
  const lines = [
    await startStep("SQLite → stream", "export", urlOf("source"), stream),
    await startStep("stream → SQLite", "import", stream, urlOf("target")),
  ];
  for (const database of [postgres, mariadb]) {
    if (database.missing !== undefined) {
      process.stderr.write(`skipped ${database.name}: it needs ${database.missing}\n`);
      continue;
    }
    const server = await database.start();
    try {
      const url = await server.createPlace();
      const sealed = join(folder, `${database.name}.jsonl`);
      lines.push(await startStep(`stream → ${database.name}`, "import", stream, url));
      lines.push(await startStep(`${database.name} → stream`, "export", url, sealed));
    } finally {
      await server.stop();
    }
  }
  const headings = ["step", "rows", "MiB", "seconds", "rows/s", "RSS before", "RSS most"];
  const cells = lines.map((line) => [
    line.step,
    `${line.rows}`,
    line.mib.toFixed(0),
    line.seconds.toFixed(1),
    (line.rows / line.seconds).toFixed(0),
    `${line.rssMibBefore.toFixed(0)} MiB`,
    `${line.rssMibMax.toFixed(0)} MiB`,
  ]);
  process.stdout.write(`${textTable([headings, ...cells])}\n`);
}

const [first = "100000", from = "", to = ""] = process.argv.slice(2);
if (first === "export" || first === "import") await runStep(first, from, to);
else await measureAll(Number(first));
