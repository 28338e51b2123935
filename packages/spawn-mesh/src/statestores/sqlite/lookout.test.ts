import { expect, test } from "vitest";
import { Lookout } from "./lookout.ts";

/** Messages by the time at which they are there; the time passes with every look. */
function lookoutOn(...comeAt: number[]): { lookout: Lookout<number>; looks: () => number } {
  let time = 0;
  let looks = 0;
  const receive = (): number | undefined => {
    looks++;
    time += 0.01;
    return comeAt[0] !== undefined && comeAt[0] <= time ? comeAt.shift() : undefined;
  };
  return { lookout: new Lookout(receive, () => time), looks: () => looks };
}

test("takes a message that comes soon", () => {
  const { lookout } = lookoutOn(0, 0.05, 0.12);
  expect([lookout.next(), lookout.next(), lookout.next()]).toEqual([0, 0.05, 0.12]);
});

test("sleeps when nothing comes", () => {
  const { lookout, looks } = lookoutOn(5);
  expect(lookout.next()).toBeUndefined();
  expect(looks()).toBeLessThan(12);
});

test("looks ever less often when nothing comes, and always again once something came", () => {
  let isThere = false;
  let looks = 0;
  let time = 0;
  const receive = (): true | undefined => (looks++, isThere || undefined);
  const lookout = new Lookout(receive, () => time++);
  for (let message = 0; message < 1000; message++) lookout.next();
  expect(looks).toBeGreaterThan(15);
  expect(looks).toBeLessThan(30);

  isThere = true;
  for (let message = 0; message < 64; message++) lookout.next();
  looks = 0;
  for (let message = 0; message < 10; message++) expect(lookout.next()).toBe(true);
  expect(looks).toBe(10);
});
