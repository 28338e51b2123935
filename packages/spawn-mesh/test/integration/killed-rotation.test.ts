/** A change of keys whose process is killed: nothing is lost, and the next one does what is left. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { actorSystem, type ActorSystem, type Encryption } from "spawn-mesh";
import { statestoreFromUrl } from "spawn-mesh/statestores";
import { mariadb } from "../servers/mariadb.ts";
import { postgres } from "../servers/postgres.ts";
import { sqliteFiles } from "../servers/sqlite-files.ts";
import { counter } from "./programs/kept-counter.ts";

const program = join(import.meta.dirname, "programs/reencrypting.ts");
const ACTORS = 500;
const directory = mkdtempSync(join(tmpdir(), "spawn-killed-rotation-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const old = randomBytes(32).toString("base64");
const next = randomBytes(32).toString("base64");
const names = Array.from({ length: ACTORS }, (_, index) => `c-${index}`);

async function start(url: string, encryption: Encryption): Promise<ActorSystem> {
  const statestore = statestoreFromUrl(url);
  const system = actorSystem("test", { actors: [counter], statestore, encryption });
  await system.start();
  return system;
}

async function addToAll(system: ActorSystem): Promise<readonly number[]> {
  return await Promise.all(names.map((name) => system.actor(counter, name).add(1)));
}

/** How many rows the process says that it has rewritten, before it is killed. */
async function killHalfway(url: string): Promise<number> {
  const args = ["--conditions=@spawn-mesh/source", program, url, old, next];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  let rewritten = 0;
  child.stdout.on("data", (data: Buffer) => {
    printed += data.toString();
    rewritten = Number(printed.split("\n").at(-2) ?? 0);
    if (rewritten > ACTORS / 4) child.kill("SIGKILL");
  });
  const [, signal] = await once(child, "close");
  expect(signal).toBe("SIGKILL");
  return rewritten;
}

describe.each([sqliteFiles(directory), postgres, mariadb])(
  "a change of keys on $name",
  (database) => {
    test.skipIf(database.missing !== undefined)(
      "that was killed is gone on with by the next process",
      async () => {
        const server = await database.start();
        try {
          const url = await server.createPlace();
          const before = await start(url, { keys: { old } });
          await addToAll(before);
          await before.stop();

          const rewritten = await killHalfway(url);
          await expect(start(url, { keys: { next } })).rejects.toThrow(/"old"/);
          const again = await start(url, { keys: { old, next }, active: "next" });
          const outcome = await again.reencrypt({ rowsPerSecondMax: 1e6 });
          await again.stop();
          expect(outcome.isComplete).toBe(true);
          expect(outcome.rewritten).toBeGreaterThan(0);
          expect(outcome.rewritten).toBeLessThanOrEqual(ACTORS - rewritten);

          const after = await start(url, { keys: { next } });
          expect(new Set(await addToAll(after))).toEqual(new Set([2]));
          await after.stop();
        } finally {
          await server.stop();
        }
      },
    );
  },
);
