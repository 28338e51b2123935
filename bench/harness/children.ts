/** Server processes that a peer consists of. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const READY_TIMEOUT_MS = 60_000;
const READY_STEP_MS = 100;
const STOP_GRACE_MS = 15_000;

const started = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of started) child.kill("SIGKILL");
});

/** Starts a program and waits until `isReady` holds. */
export async function startChild(
  command: readonly [program: string, ...args: string[]],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly isReady: () => Promise<boolean>;
  },
): Promise<ChildProcess> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    stdio: "ignore",
  });
  started.add(child);
  child.on("exit", () => started.delete(child));
  await waitFor(program, async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    return options.isReady();
  });
  return child;
}

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
  await gone;
  clearTimeout(timer);
}

/** Repeats `attempt` until it holds; a rejection counts as not yet, unless time is up. */
export async function waitFor(what: string, attempt: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      if (await attempt()) return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
    if (performance.now() > giveUpAt)
      throw new Error(`${what} was not ready in ${READY_TIMEOUT_MS} ms`);
    await sleep(READY_STEP_MS);
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
