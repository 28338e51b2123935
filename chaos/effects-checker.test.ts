import { expect, test } from "vitest";
import { checkEffects } from "./effects-checker.ts";
import type { NodeRecord } from "./effects-nodes.ts";

function node(record: Partial<NodeRecord>): NodeRecord {
  const none = { sent: {}, received: {}, looseSent: {}, looseReceived: {}, external: 0, wrong: [] };
  return { ...none, ...record };
}

const fine = {
  a: node({ sent: { b: 3 }, looseSent: { b: { count: 2, sum: 3 } } }),
  b: node({ received: { a: 3, t: 1 }, looseReceived: { a: { count: 2, sum: 3 } } }),
};
const ticker = new Map([["t", { b: 1 }]]);

test("what was sent and received is counted", () => {
  expect(checkEffects(new Map(Object.entries(fine)), ticker)).toEqual({
    consumed: 6,
    lost: 0,
    doubled: 0,
    disordered: 0,
  });
});

test.each([
  ["lost", { a: node({ sent: { b: 4 } }), b: node({ received: { a: 3 } }) }],
  ["lost", { a: node({ looseSent: { b: { count: 1, sum: 1 } } }), b: node({}) }],
  ["doubled", { a: node({ sent: { b: 1 } }), b: node({ received: { a: 2 } }) }],
  ["doubled", { a: node({}), b: node({ looseReceived: { a: { count: 1, sum: 1 } } }) }],
  ["disordered", { b: node({ wrong: ["a sent 2 after 0"] }) }],
] as const)("%s messages are found", (what, nodes) => {
  expect(checkEffects(new Map(Object.entries(nodes)))[what]).toBeGreaterThan(0);
});
