import { expect, test } from "vitest";
import { Mailbox } from "../activations/mailbox.ts";
import { Invocation } from "./invocation.ts";
import { QueuePaces } from "./queue-paces.ts";

const action = { name: "a", isRead: false, parse: undefined, run: () => undefined };

function due(deadlineAt: number): Invocation {
  const caller = { resolve: () => undefined, reject: () => undefined };
  return new Invocation(
    { action, payload: undefined, units: 1, deadlineAt, details: undefined },
    caller,
  );
}

/** A queue of 100 that has moved by one at each of the times. */
function queueThatMoved(times: readonly number[], deadlineAt = Infinity) {
  const paces = new QueuePaces();
  const queue = new Mailbox();
  for (let count = 0; count < 100; count++) queue.enqueue(due(deadlineAt));
  for (const time of times) paces.moved(queue, 1, time);
  return { paces, queue };
}

const everyTen = Array.from({ length: 17 }, (_, index) => index * 10);

test("a call waits in vain behind 100 that take 10 ms each, if it has no half of that time", () => {
  const { paces, queue } = queueThatMoved(everyTen);
  expect(paces.vainWaitMs(queue, due(160 + 499), 160)).toBe(1_000);
  expect(paces.vainWaitMs(queue, due(160 + 500), 160)).toBeUndefined();
});

test("nothing is known of a queue before two stretches of it were measured", () => {
  const { paces, queue } = queueThatMoved(everyTen.slice(0, 16));
  expect(paces.vainWaitMs(queue, due(151), 150)).toBeUndefined();
});

test("one long action makes no queue slow", () => {
  const { paces, queue } = queueThatMoved([...everyTen.map((time) => time / 1_000), 60_000]);
  for (let more = 1; more < 8; more++) paces.moved(queue, 1, 60_000);
  expect(paces.vainWaitMs(queue, due(60_002), 60_000)).toBeUndefined();
});

test("those do not count whose own time runs out before", () => {
  const { paces, queue } = queueThatMoved(everyTen, 160 + 25);
  expect(paces.vainWaitMs(queue, due(160 + 14), 160)).toBe(30);
  expect(paces.vainWaitMs(queue, due(160 + 15), 160)).toBeUndefined();
});

test("a queue that has become short is measured anew when it is long again", () => {
  const { paces, queue } = queueThatMoved(everyTen);
  const rest = queue.dequeueAll();
  paces.moved(queue, 1, 160);
  for (const invocation of rest) queue.enqueue(invocation);
  paces.moved(queue, 1, 9_000);
  expect(paces.vainWaitMs(queue, due(9_001), 9_000)).toBeUndefined();
});
