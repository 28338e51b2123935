/** Timers that actors register. */
import { describe, expect, test } from "vitest";
import { counter } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { until } from "../fixtures/until.ts";

describe("timers", () => {
  test("fire after their period, which is in milliseconds, with a Noop from the actor itself", async () => {
    let firstAt = 0;
    await using t = await startWithHost({
      tick() {
        firstAt ||= Date.now();
        return {};
      },
    });
    const registeredAt = Date.now();
    const timerActions = [{ seconds: 150, action: { name: "tick" } }];
    await t.client.register([counter("metronome", { actions: [], timerActions })]);
    await until(() => t.host.asked().filter((name) => name === "tick").length >= 3);
    expect(firstAt - registeredAt).toBeGreaterThanOrEqual(140);
    expect(firstAt - registeredAt).toBeLessThan(10_000);
    const { invocation } = t.host.requests[0]!;
    expect(invocation.payload.case).toBe("noop");
    expect(invocation.caller?.name).toBe("metronome");
  });

  test("fire ten times a second at the most, for a host that means seconds", async () => {
    await using t = await startWithHost({ tick: () => ({}) });
    const timerActions = [{ seconds: 1, action: { name: "tick" } }];
    const registeredAt = performance.now();
    await t.client.register([counter("metronome", { actions: [], timerActions })]);
    expect(t.proxy.logged).toContain("warning timer-too-often");
    await until(() => t.host.requests.length >= 5);
    expect(performance.now() - registeredAt).toBeGreaterThan(450);
  });

  test("of one actor are not more than its first commit can store", async () => {
    await using t = await startWithHost();
    const timerActions = Array.from({ length: 101 }, (_, index) => ({
      seconds: 60_000,
      action: { name: `tick-${index}` },
    }));
    const { status, headers } = await t.client.register([counter("metronome", { timerActions })]);
    expect(headers["spawn-error"]).toBe("INVALID_ARGUMENT");
    expect(status?.message).toContain("expected at most 100 timers, got 101");
  });
});
