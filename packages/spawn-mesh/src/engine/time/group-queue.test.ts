import { describe, expect, test } from "vitest";
import { GroupQueue } from "./group-queue.ts";

/** A queue, the groups that it sent, and what ends the first of them that is under way. */
function setUp({ inFlightMax = 1, lengthMax = Infinity } = {}) {
  const groups: string[] = [];
  const itemsInFlight: number[] = [];
  const ends: (() => void)[] = [];
  const queue = new GroupQueue<string>({
    inFlightMax,
    lengthOfNext(_waiting, inFlight) {
      itemsInFlight.push(inFlight);
      return lengthMax;
    },
    send(group) {
      groups.push(group.join(""));
      return new Promise((resolve) => ends.push(resolve));
    },
  });
  return {
    queue,
    groups,
    itemsInFlight,
    push: (items: string): void => {
      for (const item of items) queue.push(item);
    },
    endFirst: async (): Promise<void> => {
      ends.shift()!();
      await microtasks();
    },
  };
}

/** Every microtask that is to come now. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("a queue of groups", () => {
  test("sends what came in one tick together, and nothing before that is over", async () => {
    const { push, groups } = setUp();
    push("ab");
    push("c");
    expect(groups).toEqual([]);
    await microtasks();
    expect(groups).toEqual(["abc"]);
  });

  test("sends what comes while others are under way with the next group", async () => {
    const { push, groups, endFirst } = setUp();
    push("a");
    await microtasks();
    push("b");
    await microtasks();
    push("c");
    await microtasks();
    expect(groups).toEqual(["a"]);
    await endFirst();
    expect(groups).toEqual(["a", "bc"]);
  });

  test("has as many groups under way as it may, and as many in each", async () => {
    const { push, queue, groups, itemsInFlight, endFirst } = setUp({
      inFlightMax: 2,
      lengthMax: 2,
    });
    push("abcdefg");
    await microtasks();
    expect([groups, queue.length]).toEqual([["ab", "cd"], 3]);
    await endFirst();
    await endFirst();
    expect([groups, queue.length]).toEqual([["ab", "cd", "ef", "g"], 0]);
    expect(itemsInFlight).toEqual([0, 2, 2, 2]);
  });

  test("sends nothing that was taken back", async () => {
    const { push, queue, groups } = setUp();
    push("abc");
    queue.remove("b");
    await microtasks();
    push("de");
    expect(queue.clear()).toEqual(["d", "e"]);
    await microtasks();
    expect(groups).toEqual(["ac"]);
  });

  test("goes on with what comes after everything was taken back", async () => {
    const { push, queue, groups } = setUp();
    push("a");
    queue.clear();
    await microtasks();
    push("b");
    await microtasks();
    expect(groups).toEqual(["b"]);
  });

  test("sends nothing more when it was stopped, whatever comes", async () => {
    const { push, queue, groups, endFirst } = setUp();
    push("a");
    await microtasks();
    push("b");
    queue.stop();
    push("c");
    await endFirst();
    expect([groups, queue.length, queue.isStopped]).toEqual([["a"], 0, true]);
  });
});
