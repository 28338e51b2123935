import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { Continuations } from "./continuations.ts";
import { SpawnError } from "../errors.ts";
import { Invocation } from "../calls/invocation.ts";
import type { Step } from "../calls/invocation.ts";
import { Watch } from "../time/watch.ts";

function setUp() {
  const clock = new VirtualClock();
  const told: string[] = [];
  const caller = (name: string, deadlineAt = 1_000): Invocation =>
    new Invocation(
      {
        action: { name: "act", isRead: false, parse: undefined, run: () => undefined },
        payload: undefined,
        units: 0,
        deadlineAt,
        details: undefined,
      },
      {
        resolve: (reply) => told.push(`${name} ${String(reply)}`),
        reject: ({ code, applied }) => told.push(`${name} ${code} ${applied}`),
      },
    );
  return { clock, told, caller, continuations: new Continuations(new Watch(clock)) };
}

function step(id: string): Step {
  return { id, target: { system: "s", definition: "d", name: id } };
}

describe("a caller whose call goes on", () => {
  test("is answered with what the step answers, and so are all who wait for it", () => {
    const { continuations, caller, told } = setUp();
    continuations.wait(step("step"), caller("ann"));
    continuations.wait(step("step"), caller("bob"));
    continuations.wait(step("other"), caller("cat"));
    continuations.succeed("step", 5);
    expect(told).toEqual(["ann 5", "bob 5"]);
    expect([continuations.has("step"), continuations.has("other")]).toEqual([false, true]);
  });

  test("waits for the next step when the step goes on itself", () => {
    const { continuations, caller, told } = setUp();
    continuations.wait(step("first"), caller("ann"));
    continuations.move("first", step("second"));
    continuations.succeed("first", "too early");
    continuations.succeed("second", "at last");
    expect(told).toEqual(["ann at last"]);
  });

  test("hears of an error that its call was applied", () => {
    const { continuations, caller, told } = setUp();
    continuations.wait(step("step"), caller("ann"));
    continuations.fail("step", new SpawnError("ACTION_FAILED", "no"));
    expect(told).toEqual(["ann ACTION_FAILED yes"]);
  });

  test("hears at its deadline that nobody answered in time, and the others wait on", async () => {
    const { continuations, caller, told, clock } = setUp();
    continuations.wait(step("step"), caller("late", 900));
    continuations.wait(step("step"), caller("soon", 100));
    await clock.advance(500);
    expect(told).toEqual(["soon DEADLINE_EXCEEDED yes"]);
    continuations.succeed("step", 5);
    expect(told).toEqual(["soon DEADLINE_EXCEEDED yes", "late 5"]);
    expect(clock.pending).toBe(0);
  });

  test("hears when the system ends, whatever step it waits for", () => {
    const { continuations, caller, told, clock } = setUp();
    continuations.wait(step("one"), caller("ann"));
    continuations.wait(step("two"), caller("bob"));
    continuations.forsake(new SpawnError("SHUTTING_DOWN", "over"));
    expect(told).toEqual(["ann SHUTTING_DOWN yes", "bob SHUTTING_DOWN yes"]);
    expect(clock.pending).toBe(0);
  });
});
