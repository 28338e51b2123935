/** `bin/demo` as a newcomer runs it; the figures of its last table. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const demo = join(import.meta.dirname, "../../../../bin/demo");

/** The numbers at the beginning of each row, by the row's name. */
function figuresOf(output: string): Readonly<Record<string, number>> {
  const rows = output.matchAll(/^ {2}([a-z]+) +([\d,]+)/gm);
  return Object.fromEntries(
    [...rows].map(([, name = "", value = ""]) => [name, Number(value.replaceAll(",", ""))]),
  );
}

test("the demo applies every flight exactly once, with a kill -9 on the way", async () => {
  const { stdout } = await run(demo);
  expect(stdout).toMatch(/kill -9 .* at flight /);
  const { rate, restart, ...figures } = figuresOf(stdout);
  expect(figures).toEqual({
    records: 20_000,
    actors: 3_201,
    acknowledged: 20_000,
    lost: 0,
    doubled: 0,
    unknown: 0,
  });
  expect(rate).toBeGreaterThan(0);
  expect(restart).toBeGreaterThan(0);
  expect(stdout.trimEnd()).toMatch(/Every total is exactly what the file says\.$/);
});

test("beside a sidecar too, with a kill -9 of the sidecar and one of the process that runs the actions", async () => {
  const { stdout } = await run(demo, ["--sidecar"]);
  expect(stdout).toMatch(/kill -9 .* the sidecar at flight .*kill -9 .* the host at flight /s);
  const { acknowledged, lost, doubled, unknown } = figuresOf(stdout);
  expect({ acknowledged, lost, doubled, unknown }).toEqual({
    acknowledged: 40_000,
    lost: 0,
    doubled: 0,
    unknown: 0,
  });
});

test("the demo refuses an option that it does not understand", async () => {
  await expect(run(demo, ["--repeat", "often"])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      '--repeat: expected a whole number from 1 to 1000, got "often"',
    ),
  });
});
