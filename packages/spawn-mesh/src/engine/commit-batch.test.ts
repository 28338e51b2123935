import { expect, test } from "vitest";
import { message, waiting } from "../testing/statestore-cases/message-fixtures.ts";
import { addMessages, consumesLess, isUrgent, joinBefore, newBatch } from "./commit-batch.ts";
import type { Change } from "./commit-batch.ts";
import type { Outgoing } from "./sending.ts";

function outgoing(id: string): Outgoing {
  const { target, action, payload, headers } = message(id);
  const flags = { isOrdered: true, isTimer: false, isNamed: false, isStored: true };
  return { id, target, action, payload, headers, ...flags, dueAt: undefined };
}

/** An action that served the message and sent the others. */
function change(consumed: string, ...sends: readonly string[]): Change {
  return {
    bytes: "{}",
    tags: undefined,
    isDelete: false,
    stored: undefined,
    sends: sends.map(outgoing),
    message: waiting(message(consumed)),
    step: undefined,
  };
}

test("a batch of two has the messages of the first before those of the second", () => {
  const [first, next] = [newBatch(1), newBatch(2)];
  addMessages(first, change("a", "x", "y"));
  addMessages(next, change("b", "z"));
  const units = first.messages!.units + next.messages!.units;
  joinBefore(next, first);
  expect(next.messages?.consumes).toEqual(["a", "b"]);
  expect(next.messages?.sends.map(({ id }) => id)).toEqual(["x", "y", "z"]);
  expect([next.messages?.units, next.since]).toEqual([units, 1]);
});

test("a batch keeps the messages of the first when the second has none, and the other way round", () => {
  for (const withMessages of [0, 1]) {
    const batches = [newBatch(1), newBatch(2)] as const;
    addMessages(batches[withMessages]!, change("a", "x"));
    joinBefore(batches[1], batches[0]);
    expect(batches[1].messages?.consumes).toEqual(["a"]);
    expect(batches[1].messages?.sends).toHaveLength(1);
  }
});

test("a batch leaves out messages that are gone, and says whether there were any", () => {
  const batch = newBatch(1);
  addMessages(batch, change("a"));
  addMessages(batch, change("b"));
  const answer = { row: undefined, replies: [] };
  const both = [waiting(message("b")), waiting(message("a"))];
  expect(consumesLess(batch, { ...answer, messages: both })).toBe(false);
  expect(consumesLess(batch, { ...answer, messages: [waiting(message("b"))] })).toBe(true);
  expect(batch.messages?.consumes).toEqual(["b"]);
});

test("a batch is urgent when it deletes, or has to do with messages", () => {
  const batch = newBatch(1);
  expect(isUrgent(batch)).toBe(false);
  addMessages(batch, change("a"));
  expect(isUrgent(batch)).toBe(true);
  expect(isUrgent({ ...newBatch(1), isDelete: true })).toBe(true);
});
