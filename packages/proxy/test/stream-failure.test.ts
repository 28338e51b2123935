/** Programs, proxies and connections that end in the middle of what a stream carries. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectSocket, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { actor, connect } from "spawn-mesh";
import { describe, expect, test } from "vitest";
import { sink, tally } from "./fixtures/counting-program.ts";
import { ProxyProcess, scratch } from "./fixtures/proxy-process.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import type { TestProxy } from "./fixtures/start-proxy.ts";
import { until } from "./fixtures/until.ts";
import { errorOf, failureOf, startBeside, urlOf } from "./sidecar/start-sidecar.ts";

const PROGRAM = join(import.meta.dirname, "fixtures/counting-program.ts");

/** A program that hosts the counters, in a process of its own. */
async function startProgram(url: string) {
  const child = spawn(process.execPath, ["--conditions=@spawn-mesh/source", PROGRAM, url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until(() => said.includes("started"));
  return {
    /** Resolves when it runs the action `wait`. */
    waits: () => until(() => said.includes("waits")),
    async kill(signal: NodeJS.Signals): Promise<void> {
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
    },
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}

/** What stands between a program and a proxy, and may be cut. */
async function startCable(proxy: TestProxy) {
  const { port } = proxy.address as { readonly port: number };
  const ends = new Set<Socket>();
  const server = createServer((near) => {
    cable.onConnection();
    const far = connectSocket(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(from);
      from.on("error", () => undefined).on("close", () => to.destroy());
      from.pipe(to);
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port: own } = server.address() as AddressInfo;
  const cable = {
    url: `http://127.0.0.1:${own}`,
    onConnection: () => undefined as unknown,
    cut(): void {
      for (const end of ends) end.resetAndDestroy();
      ends.clear();
    },
    [Symbol.dispose]() {
      this.cut();
      server.close();
    },
  };
  return cable;
}

test(
  "what was acknowledged over streams is there, once, whoever is killed",
  { timeout: 120_000 },
  async () => {
    const CALLERS = 8;
    const CALLS_EACH = 25;
    await using files = scratch();
    const socket = files.path("spawn.sock");
    const url = `unix:${socket}`;
    const environment = {
      PROXY_UDS_ENABLED: "true",
      PROXY_UDS_ADDRESS: socket,
      PROXY_DATABASE_NAME: files.path("state.db"),
    };
    let proxy = await ProxyProcess.start(environment);
    let program = await startProgram(url);
    await using client = connect(url, { system: "spawn-system" });

    let acknowledged = 0;
    const addOnce = async (idempotencyKey: string): Promise<void> => {
      const options = { idempotencyKey, deadlineMs: 2_000 };
      for (;;) {
        try {
          await client.actor(tally, "hot").add(1, options);
          return void acknowledged++;
        } catch {
          await sleep(20);
        }
      }
    };
    const caller = async (number: number): Promise<void> => {
      for (let call = 0; call < CALLS_EACH; call++) await addOnce(`${number} ${call}`);
    };
    const calling = Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)));

    for (let kill = 0; kill < 2; kill++) {
      const before = acknowledged;
      await until(() => acknowledged > before + 10, 20_000);
      await proxy.kill("SIGKILL");
      proxy = await ProxyProcess.start(environment);
      await until(() => acknowledged > before + 30, 20_000);
      expect(proxy.said.join("\n")).toMatch(/stream-opened/);
      await program.kill("SIGKILL");
      program = await startProgram(url);
    }
    await calling;

    const total = CALLERS * CALLS_EACH;
    expect(await client.actor(tally, "hot").get()).toEqual({ total });
    await until(async () => (await client.actor(sink).get()).total === total, 40_000);
    await sleep(200);
    expect(await client.actor(sink).get()).toEqual({ total });
    program[Symbol.dispose]();
    await proxy[Symbol.asyncDispose]();
  },
);

describe("a call whose stream ends", () => {
  test("is told so when the proxy dies, and that nobody knows what became of it", async () => {
    await using files = scratch();
    const socket = files.path("spawn.sock");
    const environment = {
      PROXY_UDS_ENABLED: "true",
      PROXY_UDS_ADDRESS: socket,
      PROXY_DATABASE_TYPE: "memory",
    };
    const proxy = await ProxyProcess.start(environment);
    using program = await startProgram(`unix:${socket}`);
    await using client = connect(`unix:${socket}`, { system: "spawn-system" });
    const waiting = failureOf(client.actor(tally, "slow").wait(30_000));
    await program.waits();
    await proxy.kill("SIGKILL");
    expect(await waiting).toBe("UNKNOWN_OUTCOME unknown");
    expect(await failureOf(client.actor(tally, "slow").wait(1))).toBe("NODE_UNAVAILABLE no");
  });

  test("is heard of by the action at its host, when the proxy dies", async () => {
    const proxy = await ProxyProcess.start({ PROXY_DATABASE_TYPE: "memory" });
    const begun = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<boolean>();
    const patient = actor("patient", {
      actions: {
        async wait({ signal }) {
          begun.resolve();
          await once(signal, "abort");
          aborted.resolve(signal.aborted);
        },
      },
    });
    await using _system = await startBeside(proxy, [patient], { sidecar: urlOf(proxy.address) });
    await using client = connect(urlOf(proxy.address), { system: "spawn-system" });
    const call = failureOf(client.actor(patient).wait());
    await begun.promise;
    await proxy.kill("SIGKILL");
    expect(await call).toBe("UNKNOWN_OUTCOME unknown");
    expect(await aborted.promise).toBe(true);
  });

  test("takes thousands of others with it that wait for their turn, and not its program", async () => {
    const proxy = await ProxyProcess.start({ PROXY_DATABASE_TYPE: "memory" });
    await using client = connect(urlOf(proxy.address), { system: "spawn-system" });
    using program = await startProgram(urlOf(proxy.address));
    await client.actor(tally, "slow").add(1);
    const calls = Array.from({ length: 10_000 }, () =>
      failureOf(client.actor(tally, "slow").wait(30_000)),
    );
    await program.waits();
    await proxy.kill("SIGKILL");
    const failures = new Set(await Promise.all(calls));
    expect(failures).toEqual(new Set(["UNKNOWN_OUTCOME unknown", "NODE_UNAVAILABLE no"]));
  });

  test("is told at once when the program dies that runs it, and nothing has changed", async () => {
    await using proxy = await startTestProxy();
    const program = await startProgram(urlOf(proxy.address));
    await using client = connect(urlOf(proxy.address), { system: "spawn-system" });
    const waiting = errorOf(client.actor(tally, "slow").wait(30_000));
    await program.waits();
    const killedAt = performance.now();
    await program.kill("SIGKILL");
    expect(await waiting).toMatchObject({ code: "HOST_UNAVAILABLE", applied: "no" });
    expect(performance.now() - killedAt).toBeLessThan(10_000);
    // A further call waits a moment for the program to come back, and is then told.
    expect(await failureOf(client.actor(tally, "slow").add(1))).toBe("HOST_UNAVAILABLE no");
    using _next = await startProgram(urlOf(proxy.address));
    expect(await client.actor(tally, "slow").add(1)).toBe(1);
  });

  test("is followed by others on a new one, and its program has registered again", async () => {
    await using proxy = await startTestProxy();
    using cable = await startCable(proxy);
    const begun = Promise.withResolvers<void>();
    const counter = actor("counter", {
      state: () => ({ total: 0 }),
      actions: {
        add: (ctx, value: number) => (ctx.state.total += value),
        async wait() {
          begun.resolve();
          await sleep(30_000);
        },
      },
    });
    const sidecar = cable.url;
    await using system = await startBeside(proxy, [counter], { sidecar });
    await using client = connect(urlOf(proxy.address), { system: "spawn-system" });
    expect(await client.actor(counter).add(1)).toBe(1);
    const waiting = errorOf(client.actor(counter).wait());
    const calling = errorOf(system.actor(counter).add(1));
    await begun.promise;
    cable.cut();
    expect(await waiting).toMatchObject({ code: "HOST_UNAVAILABLE", applied: "no" });
    expect(await calling).toMatchObject({ code: "UNKNOWN_OUTCOME", applied: "unknown" });
    await until(
      async () =>
        (await client
          .actor(counter)
          .add(1)
          .catch(() => 0)) > 0,
    );
    const opened = proxy.logged.filter((line) => line === "info stream-opened");
    expect(opened.length).toBeGreaterThanOrEqual(3);
  });
});

test("programs that have lost the same sidecar do not all come back in the same moment", async () => {
  await using proxy = await startTestProxy();
  using cable = await startCable(proxy);
  const idle = actor("idle", { kind: "unnamed", actions: {} });
  const names = Array.from({ length: 7 }, (_, number) => `system-${number}`);
  const systems = await Promise.all(
    names.map((name) => startBeside(proxy, [idle], { name, sidecar: cable.url })),
  );
  const backAt: number[] = [];
  cable.onConnection = () => backAt.push(performance.now());
  cable.cut();
  await until(() => backAt.length >= systems.length);
  expect(Math.max(...backAt) - Math.min(...backAt)).toBeGreaterThan(25);
  for (const system of systems) system.crash();
});

describe("a program that stops", () => {
  test("ends what it runs, and begins no more: another one does", async () => {
    await using proxy = await startTestProxy();
    using _second = await startProgram(urlOf(proxy.address));
    let ranHere = 0;
    const same = actor("tally", {
      kind: "unnamed",
      state: () => ({ total: 0 }),
      actions: {
        async wait(_ctx, ms: number) {
          ranHere++;
          await sleep(ms);
        },
      },
    });
    const first = await startBeside(proxy, [same]);
    await using client = connect(urlOf(proxy.address), { system: "spawn-system" });
    let isStopped = false;
    let answeredAfterwards = 0;
    const caller = async (number: number): Promise<void> => {
      for (let call = 0; answeredAfterwards < 50; call++) {
        await client.actor(tally, `${number}-${call % 20}`).wait(5);
        if (isStopped) answeredAfterwards++;
      }
    };
    const calling = Promise.all(Array.from({ length: 8 }, (_, number) => caller(number)));
    await until(() => ranHere > 20, 20_000);
    await first.stop();
    isStopped = true;
    const ranBefore = ranHere;
    await calling;
    expect(ranHere).toBe(ranBefore);
  });

  test("as a client ends its process although its stream is open", async () => {
    await using proxy = await startTestProxy();
    const url = urlOf(proxy.address);
    const program = `
      import { connect } from "spawn-mesh";
      const spawn = connect("${url}", { system: "spawn-system" });
      await spawn.invoke("nobody", { action: "add" }).catch(({ code }) => console.log(code));
    `;
    const args = ["--conditions=@spawn-mesh/source", "--input-type=module", "-e", program];
    const child = spawn(process.execPath, args, { cwd: import.meta.dirname });
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    const [status] = (await once(child, "exit")) as [number];
    expect([said.toString().trim(), status]).toEqual(["ACTOR_NOT_FOUND", 0]);
    expect(proxy.logged).toContain("info stream-opened");
  });
});

describe("a proxy that is told to end", () => {
  test("answers what is under way on its streams, and refuses what is new", async () => {
    await using proxy = await startTestProxy({ SPAWN_DRAIN_TIMEOUT_MS: "10000" });
    using program = await startProgram(urlOf(proxy.address));
    await using client = connect(urlOf(proxy.address), { system: "spawn-system" });
    const slow = client.actor(tally, "slow").wait(1_000);
    await program.waits();
    const stopping = proxy.stop();
    expect(await failureOf(client.actor(tally, "slow").wait(1))).toBe("SHUTTING_DOWN no");
    await slow;
    await stopping;
    expect(await failureOf(client.actor(tally, "slow").wait(1))).toBe("NODE_UNAVAILABLE no");
  });
});
