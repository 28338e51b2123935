/** Messages to actors whose definition may still come. */
import { describe, expect, test } from "vitest";
import type { Engine } from "spawn-mesh/engine";
import { VirtualClock } from "spawn-mesh/testing";
import { definition, startEngine, withIo } from "./bare-engine.ts";

describe("messages to actors that are not there", () => {
  async function startWithClock(): Promise<{ clock: VirtualClock; engine: Engine }> {
    const clock = new VirtualClock();
    const engine = await startEngine({
      limits: { absentTargetMsMax: 60_000, messageAttemptsMax: 3 },
      clock: withIo(clock),
    });
    return { clock, engine };
  }

  test("wait for them, and are parked when that takes too long", async () => {
    const { clock, engine } = await startWithClock();
    await engine.send("nobody", { action: "hear" });
    await engine.send("other", { action: "hear", system: "elsewhere" });
    await engine.send("nobody", { action: "later", delayMs: 100_000 });
    await clock.advance(59_000);
    expect(await engine.messages.listParked()).toEqual([]);
    await clock.advance(70_000);
    // The other one is due since half a minute, and waits as long as these.
    const parked = await engine.messages.listParked();
    const tooLong = expect.stringMatching(/has waited for it for 60000 ms/) as string;
    expect(parked).toMatchObject([
      { action: "hear", error: tooLong },
      { action: "hear", error: tooLong },
    ]);
    let heard = 0;
    const hear = () => void heard++;
    engine.define(definition("nobody", { hear, later: hear }));
    await engine.messages.retry(...parked.map(({ id }) => id));
    await clock.advance(10_000);
    expect(heard).toBe(2);
  });

  test("have their attempts anew when they are retried before their target is there", async () => {
    const { clock, engine } = await startWithClock();
    await engine.send("nobody", { action: "hear" });
    await clock.advance(70_000);
    const [parked] = await engine.messages.listParked();
    expect(parked).toMatchObject({ attempts: 3 });
    await engine.messages.retry(parked!.id);
    await clock.advance(2_000);
    expect(await engine.messages.listParked()).toEqual([]);
    let heard = 0;
    engine.define(definition("nobody", { hear: () => void heard++ }));
    await clock.advance(2_000);
    expect(heard).toBe(1);
  });

  test("are gone when they are timers: they come again with their actor", async () => {
    const { clock, engine } = await startWithClock();
    let ticks = 0;
    const timers = [
      { action: "tick", payload: null, repeat: { everyMs: 1_000, catchUp: "one" } as const },
    ];
    const metronome = definition("metronome", { tick: () => void ticks++ }, { timers });
    engine.define(metronome);
    await clock.advance(30_000);
    expect(ticks).toBeGreaterThan(20);
    expect(engine.undefine("metronome")).toBe(true);
    await clock.advance(59_000);
    expect(await engine.messages.list()).toMatchObject([{ isTimer: true }]);
    await clock.advance(20_000);
    expect(await engine.messages.list()).toEqual([]);
    expect(await engine.messages.listParked()).toEqual([]);
    ticks = 0;
    engine.define(metronome);
    await clock.advance(5_000);
    expect(ticks).toBeGreaterThan(2);
  });

  test("are parked where no definitions come", async () => {
    const engine = await startEngine({ awaitsDefinitions: false });
    await engine.send("nobody", { action: "hear" });
    const parked = expect.poll(async () => (await engine.messages.listParked()).length);
    await parked.toBe(1);
  });
});
