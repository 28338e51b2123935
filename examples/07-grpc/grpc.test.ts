// The guide's commands under test: a proxy, a host, and what curl sends.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const started: ChildProcess[] = [];
let counters = "";

/** Starts a program and waits until it prints a line with this text. */
async function start(
  program: string,
  environment: Readonly<Record<string, string>>,
  ready: string,
): Promise<void> {
  const child = spawn(process.execPath, ["--conditions=@spawn-mesh/source", join(root, program)], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  const output = ready === "registered" ? child.stdout : child.stderr;
  for await (const line of createInterface({ input: output })) {
    if (line.includes(ready)) return;
  }
  throw new Error(`${program} ended before it said "${ready}"`);
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return `${port}`;
}

beforeAll(async () => {
  const [http, grpc, host] = await Promise.all([freePort(), freePort(), freePort()]);
  const ports = { PROXY_HTTP_PORT: http, USER_FUNCTION_PORT: host };
  const environment = {
    ...ports,
    PROXY_GRPC_PORT: grpc,
    PROXY_DATABASE_TYPE: "memory",
    PROXY_GRPC_INCLUDE_PROTOS_PATH: join(import.meta.dirname, "protos"),
  };
  await start("packages/proxy/bin/spawn-proxy.js", environment, "serving-grpc");
  await start("examples/07-grpc/host.ts", ports, "registered");
  counters = `http://127.0.0.1:${grpc}/v1/counters`;
});

afterAll(() => {
  for (const child of started) child.kill();
});

const add = async (user: string, value: number): Promise<unknown> => {
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ value }),
  };
  return await (await fetch(`${counters}/${user}:add`, init)).json();
};

test("every user has a counter, in a host that knows nothing of HTTP paths", async () => {
  expect(await add("ann", 1)).toEqual({ total: "1" });
  expect(await add("ann", 5)).toEqual({ total: "6" });
  expect(await add("joe", 2)).toEqual({ total: "2" });
  const answer = await fetch(`${counters}/ann`);
  expect(await answer.json()).toEqual({ total: "6" });
});
