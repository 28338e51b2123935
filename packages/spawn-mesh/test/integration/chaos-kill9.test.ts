/** The promises under `kill -9`, with real processes: `bin/chaos kill9`, few kills, and proof that it can fail. */
import { describe, expect, test } from "vitest";
import { chaos } from "./chaos-process.ts";

describe("bin/chaos kill9", () => {
  const kills = process.env["SPAWN_TEST_ALL"] === "1" ? 1_000 : 30;

  test(
    `finds nothing lost, doubled or stale after ${kills} kills`,
    { timeout: 60_000 + kills * 2_000 },
    async () => {
      const { status, figures, output } = await chaos("kill9", "--kills", String(kills));
      expect(status, output).toBe(0);
      expect(figures).toMatchObject({ kills, lost: 0, doubled: 0, stale: 0, ghosts: 0 });
      expect(figures["acknowledged"]).toBeGreaterThanOrEqual(100 * kills);
      expect(figures["livesWithoutAck"]).toBeLessThanOrEqual(0.1 * kills);
      expect(figures["unknown"]).toBeLessThanOrEqual(figures["inFlightAtKills"] ?? -1);
      expect(figures["seed"]).toBeGreaterThanOrEqual(0);
      expect(figures["operations"]).toBeGreaterThan(figures["acknowledged"] ?? Infinity);
    },
  );

  test("notices replies that leave before their commit", async () => {
    const { status, figures, output } = await chaos(
      "kill9",
      "--kills",
      "5",
      "--mutate",
      "early-ack",
    );
    expect(status, output).toBe(1);
    expect(figures["lost"], output).toBeGreaterThan(0);
  });

  test("notices idempotency keys that are not looked up", async () => {
    const { status, figures, output } = await chaos(
      "kill9",
      "--kills",
      "5",
      "--mutate",
      "no-key-lookup",
    );
    expect(status, output).toBe(1);
    expect(figures["doubled"], output).toBeGreaterThan(0);
  });

  test.each([
    [["kill8"], "expected one scenario"],
    [["kill9", "--kills", "many"], "--kills: expected a whole number"],
    [["kill9", "--no-such-option"], "--no-such-option"],
  ])("refuses %j and says why", async (args, message) => {
    const { status, output } = await chaos(...args);
    expect({ status, output }).toEqual({ status: 2, output: expect.stringContaining(message) });
  });
});
