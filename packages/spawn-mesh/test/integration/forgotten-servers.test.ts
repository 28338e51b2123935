/** Servers of tests do not outlive the run that started them, however that ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { mariadb } from "../servers/mariadb.ts";
import { postgres } from "../servers/postgres.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-mesh-forgotten-"));
// Servers run as users of their own.
chmodSync(directory, 0o777);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const program = join(import.meta.dirname, "programs/forgotten-servers.ts");

const isMissing = [postgres, mariadb].every(({ missing }) => missing !== undefined);

test.skipIf(isMissing)("a process that is killed leaves no server and no data behind", async () => {
  const child = spawn(process.execPath, ["--conditions=@spawn-mesh/source", program], {
    env: { ...process.env, TMPDIR: directory },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Nothing when it ends at once.
  const [printed] = (await Promise.race([
    once(child.stdout, "data"),
    once(child, "exit").then(() => ["[]"]),
  ])) as [Buffer | string];
  const pids = JSON.parse(printed.toString()) as readonly number[];
  expect(pids).not.toEqual([]);
  expect(pids.filter(isAlive)).toEqual(pids);
  expect(readdirSync(directory)).toHaveLength(pids.length);
  child.kill("SIGKILL");
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([]);
  await expect.poll(() => readdirSync(directory), { timeout: 10_000 }).toEqual([]);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
