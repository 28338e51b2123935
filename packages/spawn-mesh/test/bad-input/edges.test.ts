/** Limits at their edges: what is as large as it may be passes, and what is one more is refused. */
import { describe, expect, test } from "vitest";
import { actor, type ActorSystem } from "spawn-mesh";
import { failureOf, startSystem } from "../behaviour/start-system.ts";

const list = actor("list", {
  kind: "unnamed",
  state: () => ({ text: "" }),
  actions: { add: (ctx, text: string) => void (ctx.state.text += text) },
});

const sized = actor("sized", {
  kind: "unnamed",
  state: () => ({ text: "" }),
  actions: {
    become(ctx, text: string) {
      ctx.state.text = text;
    },
    label(ctx, text: string) {
      ctx.tags = { a: text };
    },
    metadata: (ctx) => ctx.metadata,
    remind: (ctx, id: string) => ctx.effect(list, "l").add("later", { id, delayMs: 60_000 }),
    broadcast: (ctx, name: string) => ctx.broadcast(name),
  },
});

const refOf = (system: ActorSystem) => system.actor(sized, "a");
type SizedRef = ReturnType<typeof refOf>;

const KI = 1_024;
const STATE_UNITS = 100;

/** A text with which an object of one field takes so many units as JSON. */
const textIn = (units: number, field: string): string =>
  "x".repeat(units - JSON.stringify({ [field]: "" }).length);

const edges: readonly [string, (ref: SizedRef, more: number) => Promise<unknown>, string][] = [
  [
    "a state",
    (ref, more) => ref.become(textIn(STATE_UNITS + more, "text")),
    "PAYLOAD_TOO_LARGE no",
  ],
  ["tags", (ref, more) => ref.label(textIn(64 * KI + more, "a")), "PAYLOAD_TOO_LARGE no"],
  [
    "metadata",
    (ref, more) => ref.metadata(undefined, { metadata: { a: textIn(64 * KI + more, "a") } }),
    "PAYLOAD_TOO_LARGE no",
  ],
  [
    "an idempotency key",
    (ref, more) => ref.become("x", { idempotencyKey: "k".repeat(256 + more) }),
    "INVALID_ARGUMENT no",
  ],
  [
    "an idempotency key in letters of four bytes",
    (ref, more) => ref.become("x", { idempotencyKey: "🔑".repeat(64 + more) }),
    "INVALID_ARGUMENT no",
  ],
  ["the id of a message", (ref, more) => ref.remind("i".repeat(100 + more)), "ACTION_FAILED no"],
  ["a channel", (ref, more) => ref.broadcast("c".repeat(KI + more)), "ACTION_FAILED no"],
  [
    "a deadline",
    (ref, more) => ref.become("x", { deadlineMs: 2 ** 31 - 1 + more }),
    "INVALID_ARGUMENT no",
  ],
];

describe.each(edges)("%s", (_what, call, refusal) => {
  test.each([-1, 0])("passes that is its limit and %i more", async (more) => {
    const { system } = await startSystem([sized, list], { limits: { stateUnitsMax: STATE_UNITS } });
    await call(refOf(system), more);
  });

  test("that is its limit and one more is refused, and the actor goes on", async () => {
    const { system } = await startSystem([sized, list], { limits: { stateUnitsMax: STATE_UNITS } });
    expect(await failureOf(call(refOf(system), 1))).toBe(refusal);
    await refOf(system).become("goes on");
    expect(await refOf(system).get()).toEqual({ text: "goes on" });
  });
});
