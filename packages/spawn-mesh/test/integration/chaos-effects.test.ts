/** Messages under `kill -9`, with real processes: `bin/chaos effects`, few kills; the long form proves that it can fail. */
import { describe, expect, test } from "vitest";
import { chaos } from "./chaos-process.ts";

const isLong = process.env["SPAWN_TEST_ALL"] === "1";

/** The figure that is not 0 when a protection is missing. Each takes half a minute. */
const mutations = [
  ["effect-before-commit", "orphans"],
  ["no-batch-dedupe", "doubled"],
  ["sweeper-without-attempts", "deaths"],
  ["fifo-off", "disordered"],
] as const;

describe("bin/chaos effects", () => {
  const kills = isLong ? 50 : 8;

  test(
    `finds nothing lost, doubled or out of order after ${kills} kills`,
    { timeout: 120_000 + kills * 3_000 },
    async () => {
      const { status, figures, output } = await chaos("effects", "--kills", String(kills));
      expect(status, output).toBe(0);
      expect(figures).toMatchObject({ kills, lost: 0, doubled: 0, disordered: 0, orphans: 0 });
      expect(figures).toMatchObject({ stale: 0, early: 0, uncancelled: 0, contradictions: 0 });
      expect(figures).toMatchObject({ left: 0, refused: 0 });
      expect(figures["parked"]).toBe(figures["poison"]);
      expect(figures["deaths"]).toBeGreaterThan(0);
      expect(figures["consumed"]).toBeGreaterThanOrEqual(200 * kills);
    },
  );

  test.each(isLong ? mutations : [])(
    "notices %s",
    { timeout: 240_000 },
    async (mutation, figure) => {
      const finished = await chaos("effects", "--kills", "8", "--mutate", mutation);
      const { status, figures, output } = finished;
      expect(status, output).toBe(1);
      expect(output).toContain(`the mutation ${mutation} was noticed`);
      expect(figures[figure], output).toBeGreaterThan(0);
    },
  );
});
