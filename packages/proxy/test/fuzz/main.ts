/**
 * `bin/fuzz`: sends a running proxy what nobody should send, for a while, and looks whether it stands.
 *
 * Never a crash, a hang, or an answer that cannot be decoded; after every thousandth input a good call is
 * answered within a second; and in the end the process takes about as much memory as before.
 */
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials } from "@grpc/grpc-js";
import { Kind } from "spawn-mesh/protocol";
import { add, counter, settings } from "../fixtures/counter.ts";
import { ProxyProcess, scratch } from "../fixtures/proxy-process.ts";
import { SHOP_PROTOS } from "../fixtures/shop.ts";
import { TestHost } from "../fixtures/test-host.ts";
import { jsonIn, jsonPayload } from "../fixtures/values.ts";
import { Choices } from "./choices.ts";
import { problemWith } from "./expectations.ts";
import { FuzzHost } from "./fuzz-host.ts";
import { nextInput } from "./inputs.ts";
import type { FuzzInput } from "./inputs.ts";
import { FUZZED } from "./messages.ts";
import { SERVED } from "./service-inputs.ts";

const USAGE = `usage: bin/fuzz [--seconds N] [--seed S] [--inputs N]

  --seconds N  for how long (default 60)
  --seed S     repeats the inputs of a run; what hosts answer to which of them is a matter of timing
  --inputs N   how many inputs it takes at least (default 333 a second)`;

const WORKERS = 8;
/**
 * Until then caches fill, those of SQLite among them, one for each system: so many inputs, and this part of
 * the time, in which a fast machine sends many more.
 */
const WARM_UP_INPUTS = 10_000;
const WARM_UP_SHARE = 1 / 4;
const OTHER_SYSTEMS = 7;
const CHECK_EVERY = 1_000;
const CHECK_MS_MAX = 1_000;
const MEMORY_GROWTH_MAX = 1.5;
const PROBLEMS_SHOWN = 20;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: `${Math.floor(Math.random() * 2 ** 31)}` },
    inputs: { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});
if (values.help === true) console.log(USAGE);
else process.exit(await fuzz(Number(values.seconds), Number(values.seed)));

async function fuzz(seconds: number, seed: number): Promise<number> {
  const inputsMin = Number(values.inputs ?? Math.floor((seconds * 1_000) / 3));
  console.log(`fuzz: ${seconds} s, seed ${seed}`);
  await using files = scratch();
  await using witness = await TestHost.start({ add });
  const host = new FuzzHost(new Choices(seed + 1));
  const port = await host.listen();
  const services = await freePort();
  await using proxy = await ProxyProcess.start({
    USER_FUNCTION_PORT: `${port}`,
    PROXY_DATABASE_NAME: files.path("state.db"),
    PROXY_GRPC_PORT: `${services}`,
    PROXY_GRPC_INCLUDE_PROTOS_PATH: SHOP_PROTOS,
  });
  await proxy.client.register([counter("witness")], { port: witness.port });
  const unnamed = counter("fuzzed-user", { settings: { ...settings, kind: Kind.UNNAMED } });
  const fuzzed = FUZZED.map((name) => counter(name, { state: {} }));
  await proxy.client.register([...fuzzed, unnamed, ...SERVED]);
  // Names of systems that come out of mutations open further ones, up to a limit: they are there before.
  for (let other = 1; other <= OTHER_SYSTEMS; other++) {
    await proxy.client.register([counter("elsewhere")], { system: `system-${other}` });
  }
  const problems = await run(proxy, { seconds, choices: new Choices(seed), services });
  host.close();
  const { inputs, answered } = problems;
  if (inputs < inputsMin) problems.found.push(`only ${inputs} inputs, expected ${inputsMin}`);
  for (const problem of problems.found.slice(0, PROBLEMS_SHOWN)) console.log(`PROBLEM: ${problem}`);
  console.log(
    `fuzz: ${inputs} inputs, ${host.answered} answers of hosts, ${answered} good calls between, ${problems.found.length} problems, memory × ${problems.growth.toFixed(2)}, seed ${seed}`,
  );
  return problems.found.length === 0 ? 0 : 1;
}

interface RunOptions {
  readonly seconds: number;
  readonly choices: Choices;
  /** The port of gRPC and HTTP for services. */
  readonly services: number;
}

interface Outcome {
  inputs: number;
  /** Good calls that were answered well. */
  answered: number;
  /** How many times the memory is that it took after the warm-up. */
  growth: number;
  readonly found: string[];
}

async function run(
  proxy: ProxyProcess,
  { seconds, choices, services }: RunOptions,
): Promise<Outcome> {
  const outcome: Outcome = { inputs: 0, answered: 0, growth: 1, found: [] };
  const { port } = proxy.address as { readonly port: number };
  const grpc = new Client(`127.0.0.1:${services}`, credentials.createInsecure());
  const ports = { proxy: port, services, grpc };
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  const warmAt = startedAt + seconds * 1_000 * WARM_UP_SHARE;
  const isOver = (): boolean => performance.now() > endsAt || outcome.found.length > PROBLEMS_SHOWN;
  let memoryBefore = 0;
  const work = async (): Promise<void> => {
    while (!isOver()) {
      const input = nextInput(choices);
      const number = ++outcome.inputs;
      const problem = await problemWith(input, ports);
      if (problem !== undefined) outcome.found.push(`${problem}: input ${number}, ${shown(input)}`);
      const isWarm = number >= WARM_UP_INPUTS && performance.now() >= warmAt;
      if (isWarm && memoryBefore === 0) memoryBefore = memoryOf(proxy);
      if (number % CHECK_EVERY === 0) await checkWitness(proxy, outcome);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  grpc.close();
  await sleep(1_000);
  await checkWitness(proxy, outcome);
  if (memoryBefore > 0) {
    outcome.growth = memoryOf(proxy) / memoryBefore;
    if (outcome.growth > MEMORY_GROWTH_MAX) {
      outcome.found.push(`memory grew from ${memoryBefore} to ${memoryOf(proxy)} kB`);
    }
  }
  return outcome;
}

/** A good call is answered well, and soon. */
async function checkWitness(proxy: ProxyProcess, outcome: Outcome): Promise<void> {
  const began = performance.now();
  try {
    const answer = await proxy.client.invoke("witness", "add", {
      payload: jsonPayload({ value: 1 }),
    });
    const { total } = (jsonIn(answer) ?? {}) as { readonly total?: number };
    const elapsedMs = performance.now() - began;
    outcome.answered++;
    if (total !== outcome.answered)
      outcome.found.push(
        `the witness has ${total}, expected ${outcome.answered}: ${answer.status?.message}`,
      );
    if (elapsedMs > CHECK_MS_MAX)
      outcome.found.push(`a good call took ${Math.round(elapsedMs)} ms`);
  } catch (error) {
    outcome.found.push(`a good call failed: ${String(error)}`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** The memory that the process has, in kilobytes. */
function memoryOf({ pid }: ProxyProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
}

function shown(input: FuzzInput): string {
  if (input.kind === "grpc") return `${input.path} ${input.message.toString("hex")}`;
  if (input.kind === "stream") return `stream ${input.bytes.subarray(0, 400).toString("hex")}`;
  if (input.kind === "raw") return `socket ${input.bytes.subarray(0, 200).toString("hex")}`;
  const { method, path, body } = input;
  return `${method} ${path.slice(0, 200)} ${body.subarray(0, 400).toString("hex")}`;
}
