import { expect, test } from "vitest";
import { sayingTo } from "./arguments.ts";

test("starts when there are no arguments", () => {
  expect(sayingTo([])).toBeUndefined();
});

test.each(["--help", "-h"])("explains itself when it is asked by %s", (argument) => {
  expect(sayingTo([argument])).toMatchObject({ status: 0 });
  expect(sayingTo([argument])?.text).toMatch(/^usage: spawn-proxy/);
});

test.each(["--port=9002", "start"])(
  "refuses the argument %s, which would be ignored",
  (argument) => {
    const saying = sayingTo([argument]);
    expect(saying?.status).toBe(2);
    expect(saying?.text).toContain(`got ${argument}`);
  },
);
