import { expect, test } from "vitest";
import { unauthorized } from "./identity.ts";
import { RefusalLog } from "./refusal-log.ts";

test("those who are turned away fill no log, and how many there were is said", () => {
  let now = 0;
  const lines: object[] = [];
  const refusals = new RefusalLog(
    (_level, _event, fields) => lines.push(fields ?? {}),
    () => now,
  );
  const peer = { from: "network", address: "192.0.2.7", certificateName: undefined } as const;
  const knock = (): void => refusals.tell(peer, unauthorized("no"));
  for (let count = 0; count < 1_000; count++) knock();
  expect(lines).toHaveLength(10);
  expect(lines[0]).toEqual({ from: "network", address: "192.0.2.7", reason: "[UNAUTHORIZED] no" });
  now = 1_000;
  knock();
  knock();
  expect(lines[10]).toMatchObject({ untold: 990 });
  expect(lines[11]).not.toHaveProperty("untold");
});
