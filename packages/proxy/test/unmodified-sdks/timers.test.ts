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
    expect(firstAt - registeredAt).toBeLessThan(2_000);
    const { invocation } = t.host.requests[0]!;
    expect(invocation.payload.case).toBe("noop");
    expect(invocation.caller?.name).toBe("metronome");
  });
});
