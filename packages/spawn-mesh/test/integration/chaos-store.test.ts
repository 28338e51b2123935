/** The promises on real databases that are killed under load: `bin/chaos store-…`, for a few seconds. */
import { describe, expect, test } from "vitest";
import { mariadb } from "../servers/mariadb.ts";
import { postgres } from "../servers/postgres.ts";
import { chaos } from "./chaos-process.ts";

const seconds = process.env["SPAWN_TEST_ALL"] === "1" ? 60 : 6;
/** A full run has to swallow so many answers, about two a second. */
const swallowedMin = seconds === 60 ? 100 : 1;

describe.each([
  ["store-postgres", postgres.missing],
  ["store-mariadb", mariadb.missing],
])("bin/chaos %s", (scenario, missing) => {
  // Servers that the tests did not start cannot be killed.
  const isOurs = process.env[`SPAWN_TEST_${scenario.slice(6).toUpperCase()}_URL`] === undefined;

  test.skipIf(missing !== undefined || !isOurs)(
    `finds nothing lost, doubled, stale or unresolved after ${seconds} s`,
    { timeout: 150_000 + seconds * 1_000 },
    async () => {
      const { status, figures, output } = await chaos(scenario, "--seconds", String(seconds));
      expect(status, output).toBe(0);
      expect(figures).toMatchObject({ lost: 0, doubled: 0, stale: 0, ghosts: 0, unresolved: 0 });
      expect(figures["swallowed"], output).toBeGreaterThanOrEqual(swallowedMin);
      expect(figures["consumed"], output).toBeGreaterThan(100);
      const { kills = 0, databaseKills = 0, cuts = 0 } = figures;
      expect(kills + databaseKills + cuts, output).toBeGreaterThan(0);
    },
  );
});
