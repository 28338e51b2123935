import { expect, test } from "vitest";
import { message, waiting } from "../../testing/statestore-cases/message-fixtures.ts";
import { addMessages, consumesLess, isUrgent, joinBefore, newBatch } from "./commit-batch.ts";
import type { Batch, Change } from "./commit-batch.ts";
import type { Outgoing } from "../messages/sending.ts";

function outgoing(id: string): Outgoing {
  const { target, action, headers } = message(id);
  const payload = "{}";
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
    cancels: [],
    sends: sends.map(outgoing),
    message: waiting(message(consumed)),
    step: undefined,
  };
}

function consumedIds({ messages }: Batch): readonly string[] | undefined {
  return messages?.consumes.map(({ id }) => id);
}

test("a batch of two has the messages of the first before those of the second", () => {
  const [first, next] = [newBatch(), newBatch()];
  addMessages(first, change("a", "x", "y"));
  addMessages(next, change("b", "z"));
  const units = first.messages!.units + next.messages!.units;
  joinBefore(next, first);
  expect(consumedIds(next)).toEqual(["a", "b"]);
  expect(next.messages?.sends.map(({ id }) => id)).toEqual(["x", "y", "z"]);
  expect(next.messages?.units).toBe(units);
});

test("a batch of two sends nothing of the first that the second cancels", () => {
  const [first, next] = [newBatch(), newBatch()];
  addMessages(first, change("a", "x", "y"));
  addMessages(next, { ...change("b", "z"), cancels: ["x"] });
  joinBefore(next, first);
  expect(next.messages?.sends.map(({ id }) => id)).toEqual(["y", "z"]);
  expect(next.messages?.cancels).toEqual(["x"]);
});

test("a batch keeps the messages of the first when the second has none, and the other way round", () => {
  for (const withMessages of [0, 1]) {
    const batches = [newBatch(), newBatch()] as const;
    addMessages(batches[withMessages]!, change("a", "x"));
    joinBefore(batches[1], batches[0]);
    expect(consumedIds(batches[1])).toEqual(["a"]);
    expect(batches[1].messages?.sends).toHaveLength(1);
  }
});

test("a batch leaves out messages that are gone, and says whether there were any", () => {
  const batch = newBatch();
  addMessages(batch, change("a"));
  addMessages(batch, change("b"));
  const answer = { row: undefined, replies: [] };
  const both = [waiting(message("b")), waiting(message("a"))];
  expect(consumesLess(batch, { ...answer, messages: both })).toBe(false);
  expect(consumesLess(batch, { ...answer, messages: [waiting(message("b"))] })).toBe(true);
  expect(consumedIds(batch)).toEqual(["b"]);
});

test("a batch is urgent when somebody waits for it, or it has to do with messages or remembers a great many replies", () => {
  const batch = newBatch();
  expect(isUrgent(batch)).toBe(false);
  addMessages(batch, change("a"));
  expect(isUrgent(batch)).toBe(true);
  expect(isUrgent({ ...newBatch(), entries: [{} as never] })).toBe(true);
});
