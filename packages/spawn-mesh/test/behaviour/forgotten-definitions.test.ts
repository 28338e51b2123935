/** Definitions that go while the engine runs, and what is kept of their actors. */
import { describe, expect, test } from "vitest";
import type { ActionFunction, EngineEvent } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { FaultyStatestore, VirtualClock } from "spawn-mesh/testing";
import { adds, definition, startEngine, until, withIo } from "./bare-engine.ts";

const MINUTE_MS = 60_000;

describe("a definition that is forgotten", () => {
  test("leaves nobody to call, and what is stored for when it comes again", async () => {
    const engine = await startEngine({ definitions: [definition("counter", { add: adds(1) })] });
    await engine.invoke("counter", { action: "add" });
    expect(engine.undefine("counter")).toBe(true);
    await expect(engine.invoke("counter", { action: "add" })).rejects.toThrow("[ACTOR_NOT_FOUND]");
    expect(engine.undefine("counter")).toBe(false);
    engine.define(definition("counter", { add: adds(1) }));
    expect(await engine.invoke("counter", { action: "add" })).toBe(2);
  });

  test("runs nothing for those who still know it", async () => {
    const engine = await startEngine({ definitions: [definition("counter", { add: adds(1) })] });
    await engine.invoke("counter", { action: "add" });
    const stored = engine.stored(engine.type("counter"), "counter");
    engine.undefine("counter");
    await expect(stored.delete()).rejects.toThrow("[ACTOR_NOT_FOUND]");
    engine.define(definition("counter", { add: adds(1) }));
    expect(await engine.invoke("counter", { action: "add" })).toBe(2);
    await expect(stored.delete()).rejects.toThrow("[ACTOR_NOT_FOUND]");
    expect(await engine.invoke("counter", { action: "get" })).toEqual({ total: 2 });
  });

  test("lets its actors live that would expire, and others expire", async () => {
    const clock = new VirtualClock();
    const events: EngineEvent[] = [];
    const store = new FaultyStatestore(memoryStatestore());
    const engine = await startEngine({
      store,
      clock: withIo(clock),
      onEvent: (event) => events.push(event),
    });
    const expiring = { expireAfterMs: 10 * MINUTE_MS };
    for (const name of ["a", "b"]) {
      engine.define(definition(name, { add: adds(1) }, expiring));
      await engine.invoke(name, { action: "add" });
    }
    await clock.advance(10 * MINUTE_MS);
    const hold = store.hold("queries");
    await clock.advance(MINUTE_MS);
    engine.undefine("a");
    hold.release();
    await clock.advance(MINUTE_MS);
    engine.define(definition("a", { add: adds(1) }));
    expect(await engine.invoke("a", { action: "add" })).toBe(2);
    expect(await engine.invoke("b", { action: "add" })).toBe(1);
    expect(events.filter(({ type }) => type === "async-failed")).toEqual([]);
  });

  test("stays while one of its actors is at work", async () => {
    let goOn: (() => void) | undefined;
    const wait: ActionFunction = () => new Promise<void>((resolve) => (goOn = resolve));
    const engine = await startEngine({ definitions: [definition("busy", { wait })] });
    const waiting = engine.invoke("busy", { action: "wait" });
    await until(() => goOn !== undefined);
    expect(() => engine.undefine("busy")).toThrow("[OVERLOADED]");
    goOn!();
    await waiting;
    expect(engine.undefine("busy")).toBe(true);
  });
});
