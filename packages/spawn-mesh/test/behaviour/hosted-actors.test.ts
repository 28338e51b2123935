/** What the engine does for those who run actions elsewhere: opaque values, failures of the host, cancellations. */
import { describe, expect, test } from "vitest";
import { OpaqueValue, SpawnError, plainHost, systemClock } from "spawn-mesh/engine";
import type { ActionFunction, EngineEvent, Host } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { adds, definition, startEngine, until } from "./bare-engine.ts";

describe("an opaque value", () => {
  const value = new OpaqueValue("shop.Order", Uint8Array.of(0, 255, 128));
  const same = new OpaqueValue("shop.Order", Buffer.of(0, 255, 128));

  test("is payload and reply as it is", async () => {
    const engine = await startEngine({
      definitions: [definition("echo", { echo: (_, it) => it })],
    });
    expect(await engine.invoke("echo", { action: "echo", payload: value })).toBe(value);
  });

  test("goes through messages, pipes, channels and stored replies byte for byte", async () => {
    const heard: unknown[] = [];
    const target = { echo: { echo: true } };
    const host: Host = {
      ...plainHost,
      reference: (_, name, call) => ({
        hear: () => call(name ?? "echo", { action: "hear" }),
        echo: () => call(name ?? "echo", { action: "echo" }),
      }),
    };
    const engine = await startEngine({
      host,
      definitions: [
        definition("source", {
          send: (context, it) => {
            context.send("sink", { action: "hear", payload: it });
            context.broadcast("news", it);
            context.pipe(target, "echo");
            return it;
          },
        }),
        definition(
          "sink",
          { hear: (_, it) => void heard.push(it) },
          {
            channels: new Map([["news", "hear"]]),
          },
        ),
        definition("echo", { echo: (_, it) => it }),
      ],
    });
    const request = { action: "send", payload: value, idempotencyKey: "once" };
    expect(await engine.invoke("source", request)).toEqual(same);
    await until(() => heard.length === 2);
    expect(heard).toEqual([same, same]);
    expect(await engine.invoke("source", request)).toEqual(same);
    const other = { ...request, payload: new OpaqueValue("shop.Order", Uint8Array.of(1)) };
    await expect(engine.invoke("source", other)).rejects.toThrow("[IDEMPOTENCY_CONFLICT]");
  });
});

describe("a host that fails", () => {
  class Unreachable extends Error {}
  const host: Host = {
    ...plainHost,
    failure: (thrown) =>
      thrown instanceof Unreachable ? new SpawnError("HOST_UNAVAILABLE", "gone") : undefined,
  };

  test.each([
    [
      "at once",
      () => {
        throw new Unreachable();
      },
    ],
    [
      "later",
      async () => {
        throw new Unreachable();
      },
    ],
  ])("%s is not the action's failure, and nothing has changed", async (_, fails) => {
    const broken: ActionFunction = (context) => {
      adds(1)(context, undefined);
      return fails();
    };
    const engine = await startEngine({
      host,
      definitions: [definition("counter", { broken, add: adds(1) })],
    });
    await expect(engine.invoke("counter", { action: "broken" })).rejects.toMatchObject({
      code: "HOST_UNAVAILABLE",
      applied: "no",
    });
    expect(await engine.invoke("counter", { action: "add" })).toBe(1);
  });
});

describe("a cancellation", () => {
  test("tells its listener when the deadline passes, and why", async () => {
    const told: unknown[] = [];
    const waits: ActionFunction = async ({ cancellation }) => {
      told.push(cancellation.reason);
      await new Promise<void>((resolve) => (cancellation.listener = resolve));
      told.push(cancellation.reason);
    };
    const engine = await startEngine({
      clock: systemClock,
      definitions: [definition("slow", { waits })],
    });
    await expect(engine.invoke("slow", { action: "waits", deadlineMs: 20 })).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
      applied: "no",
    });
    expect(told).toEqual([undefined, expect.objectContaining({ code: "DEADLINE_EXCEEDED" })]);
  });

  test("whose listener throws ends the run all the same, and that is told", async () => {
    const events: EngineEvent[] = [];
    const waits: ActionFunction = ({ cancellation }) => {
      cancellation.listener = () => {
        throw new Error("careless");
      };
      return new Promise(() => undefined);
    };
    const engine = await startEngine({
      limits: { actionGraceMs: 10 },
      onEvent: (event) => events.push(event),
      definitions: [definition("slow", { waits, add: adds(1) })],
    });
    const deadlineMs = 20;
    await expect(engine.invoke("slow", { action: "waits", deadlineMs })).rejects.toThrow(
      "[DEADLINE_EXCEEDED]",
    );
    expect(await engine.invoke("slow", { action: "add" })).toBe(1);
    const failed = events.filter(({ type }) => type === "async-failed");
    expect(failed).toMatchObject([{ error: { message: "careless" } }]);
  });
});

describe("labels", () => {
  test("of a new actor are those of its definition, until they are changed", async () => {
    const state = { ...definition("x", {}).state!, initialTags: { team: "red" } };
    const tags: ActionFunction = (context) => context.tags;
    const actions = {
      tags,
      paint: ((context) => {
        context.tags = { team: "blue" };
      }) as ActionFunction,
    };
    const store = memoryStatestore();
    const definitions = [definition("labelled", actions, { state, deactivateTimeoutMs: 20 })];
    const engine = await startEngine({ store, definitions, clock: systemClock });
    expect(await engine.invoke("labelled", { action: "tags" })).toEqual({ team: "red" });
    await engine.invoke("labelled", { action: "paint" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await engine.invoke("labelled", { action: "tags" })).toEqual({ team: "blue" });
  });
});
