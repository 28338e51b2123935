import { expect, test } from "vitest";
import { seededRandom } from "../../testing/seeded-random.ts";
import { DueHeap } from "./due-heap.ts";

interface Item {
  dueAt: number;
  readonly position: number;
}

function takeAll(heap: DueHeap<Item>): Item[] {
  const taken: Item[] = [];
  for (let item = heap.first; item !== undefined; item = heap.first) {
    heap.delete(item);
    taken.push(item);
  }
  return taken;
}

function inOrder(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => a.dueAt - b.dueAt || a.position - b.position);
}

test("gives what is due first, and what came first among equals", () => {
  const heap = new DueHeap<Item>();
  expect(heap.first).toBeUndefined();
  const items = [3, 1, 2, 1, 3].map((dueAt, position) => ({ dueAt, position }));
  for (const item of items) heap.add(item);
  expect(takeAll(heap)).toEqual(inOrder(items));
});

test("forgets what was taken out, and knows it by its new time when it comes back", () => {
  const heap = new DueHeap<Item>();
  const [a, b] = [
    { dueAt: 1, position: 1 },
    { dueAt: 2, position: 2 },
  ];
  heap.add(a);
  heap.add(b);
  heap.delete(a);
  a.dueAt = 3;
  heap.add(a);
  expect(takeAll(heap)).toEqual([b, a]);
});

test("agrees with a sorted list, however often items are moved and taken out", () => {
  const random = seededRandom(7);
  const below = (limit: number): number => Math.floor(random.fraction() * limit);
  const heap = new DueHeap<Item>();
  const present = new Set<Item>();
  for (let position = 0; position < 5_000; position++) {
    const item = { dueAt: below(100), position };
    heap.add(item);
    present.add(item);
    const other = [...present][below(present.size)]!;
    heap.delete(other);
    if (below(4) === 0) {
      other.dueAt = below(100);
      heap.add(other);
    } else if (below(2) === 0) {
      present.delete(other);
    } else {
      heap.add(other);
    }
    if (position % 500 === 0) expect(heap.first).toBe(inOrder([...present])[0]);
  }
  expect(takeAll(heap)).toEqual(inOrder([...present]));
});
