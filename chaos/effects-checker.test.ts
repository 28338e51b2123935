import { expect, test } from "vitest";
import { checkEffects } from "./effects-checker.ts";
import type { EffectsEvidence } from "./effects-checker.ts";
import type { LaterOutcome } from "./effects-ledger.ts";
import { emptyRecord } from "./effects-nodes.ts";
import type { NodeRecord } from "./effects-nodes.ts";

const later = (outcome: LaterOutcome) => new Map([["l", outcome]]);
const node = (record: Partial<NodeRecord>): NodeRecord => ({ ...emptyRecord(), ...record });
const loose = (count: number, sum: number) => ({ count, sum });

/** A run of which this is left. */
function run({
  nodes = {},
  ledger,
  ...rest
}: Partial<Omit<EffectsEvidence, "nodes" | "ledger">> & {
  readonly nodes?: Readonly<Record<string, NodeRecord>>;
  readonly ledger?: Partial<EffectsEvidence["ledger"]>;
}) {
  return checkEffects({
    nodes: new Map(Object.entries(nodes)),
    listeners: new Map(),
    tickers: new Map(),
    ledger: { pushed: new Map(), later: new Map(), ...ledger },
    outside: [],
    ...rest,
  });
}

test("what was sent and received, asked for and done, is counted and found right", () => {
  const verdict = run({
    nodes: {
      a: node({
        sent: { b: 3 },
        looseSent: { b: loose(2, 3) },
        broadcasts: 2,
        pushed: loose(1, 7),
        external: ["x"],
      }),
      b: node({ received: { a: 3, t: 1 }, looseReceived: { a: loose(2, 3) }, later: ["l"] }),
    },
    listeners: new Map([["hears", node({ received: { a: 2 } })]]),
    tickers: new Map([["t", { b: 1 }]]),
    ledger: { pushed: new Map([["a", loose(1, 7)]]), later: later("once") },
    outside: ["a x", "a x"],
  });
  expect(verdict).toEqual({
    consumed: 9,
    lost: 0,
    doubled: 0,
    disordered: 0,
    orphans: 0,
    early: 0,
    uncancelled: 0,
  });
});

test.each([
  ["once", []],
  ["never", ["l"]],
] as const)("a call for later may be unknown, and has run as often as it should: %s", (_, ran) => {
  expect(
    run({ nodes: { a: node({ later: [...ran] }) }, ledger: { later: later("maybe") } }),
  ).toEqual(expect.objectContaining({ lost: 0, doubled: 0, uncancelled: 0 }));
});

const broadcasting = node({ broadcasts: 2 });

test.each([
  [
    "lost",
    "an ordered message",
    { nodes: { a: node({ sent: { b: 4 } }), b: node({ received: { a: 3 } }) } },
  ],
  ["lost", "all messages to an actor", { nodes: { a: node({ sent: { b: 1 } }) } }],
  ["lost", "a message in no order", { nodes: { a: node({ looseSent: { b: loose(1, 1) } }) } }],
  [
    "lost",
    "another message of the same number",
    {
      nodes: {
        a: node({ looseSent: { b: loose(2, 3) } }),
        b: node({ looseReceived: { a: loose(2, 2) } }),
      },
    },
  ],
  [
    "lost",
    "a broadcast",
    {
      nodes: { a: broadcasting },
      listeners: new Map([["hears", node({ received: { a: 1 } })]]),
    },
  ],
  [
    "lost",
    "a wave that was acknowledged",
    { nodes: { a: node({}) }, ledger: { pushed: new Map([["a", loose(1, 1)]]) } },
  ],
  ["lost", "a call for later", { nodes: { a: node({}) }, ledger: { later: later("once") } }],
  ["lost", "a wish for outside", { nodes: { a: node({ external: ["x"] }) }, outside: ["b x"] }],
  [
    "doubled",
    "an ordered message",
    { nodes: { a: node({ sent: { b: 1 } }), b: node({ received: { a: 2 } }) } },
  ],
  [
    "doubled",
    "a message without a commit that sent it",
    { nodes: { a: node({}), b: node({ looseReceived: { a: loose(1, 1) } }) } },
  ],
  [
    "doubled",
    "a broadcast",
    {
      nodes: { a: broadcasting },
      listeners: new Map([["hears", node({ received: { a: 3 } })]]),
    },
  ],
  [
    "doubled",
    "a wave",
    {
      nodes: { a: node({ pushed: loose(2, 2) }) },
      ledger: { pushed: new Map([["a", loose(1, 1)]]) },
    },
  ],
  [
    "doubled",
    "a call for later",
    { nodes: { a: node({ later: ["l", "l"] }) }, ledger: { later: later("once") } },
  ],
  [
    "doubled",
    "a call for later that two actors ran",
    {
      nodes: { a: node({ later: ["l"] }), b: node({ later: ["l"] }) },
      ledger: { later: later("maybe") },
    },
  ],
  ["disordered", "what an actor says is wrong", { nodes: { b: node({ wrong: ["2 after 0"] }) } }],
  [
    "disordered",
    "what a listener says is wrong",
    { listeners: new Map([["hears", node({ wrong: ["2 after 0"] })]]) },
  ],
  ["orphans", "a deed that nobody asked for", { nodes: { a: node({}) }, outside: ["a x"] }],
  ["early", "a message that ran before its time", { nodes: { a: node({ early: 1 }) } }],
  [
    "uncancelled",
    "a call that ran although it was cancelled",
    { nodes: { a: node({ later: ["l"] }) }, ledger: { later: later("never") } },
  ],
] as const)("%s: %s is found", (what, _, evidence) => {
  expect(run(evidence as Parameters<typeof run>[0])[what]).toBeGreaterThan(0);
});
