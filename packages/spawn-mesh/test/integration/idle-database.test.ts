/** A program that has nothing to do any more ends by itself, whatever connections it still has. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mariadb } from "../servers/mariadb.ts";
import { postgres } from "../servers/postgres.ts";

const program = join(import.meta.dirname, "programs/idle-database.ts");
/** Longer than a slow machine needs, shorter than a connection that waits. */
const RUN_MS_MAX = 8_000;

describe.each([postgres, mariadb])("a program that uses $name", (database) => {
  test.skipIf(database.missing !== undefined)("ends when it is done", async () => {
    const server = await database.start();
    try {
      const url = await server.createPlace();
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ["--conditions=@spawn-mesh/source", program, url],
        { encoding: "utf8", timeout: RUN_MS_MAX },
      );
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "1\n", stderr: "" });
    } finally {
      await server.stop();
    }
  });
});
