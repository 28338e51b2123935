// Time under test: it passes only when the test says so.
import { testActorSystem } from "spawn-mesh/testing";
import { expect, test } from "vitest";
import { reminder, report } from "./reminders.ts";

const DAY_MS = 24 * 60 * 60_000;

test("a reminder comes in time after a restart, unless it was cancelled", async () => {
  await using system = await testActorSystem({ actors: [reminder] });
  await system.actor(reminder, "ann").remind({ text: "tea", inMs: 60_000 });
  const id = await system.actor(reminder, "bob").remind({ text: "tea", inMs: 60_000 });

  await system.restart();
  expect(await system.messages.cancel(id)).toBe(true);
  await system.advance(61_000);

  expect((await system.actor(reminder, "ann").get()).said).toEqual(["tea"]);
  expect((await system.actor(reminder, "bob").get()).said).toEqual([]);
});

test("a report is written on working days at nine in Berlin", async () => {
  await using system = await testActorSystem({ actors: [report] });

  await system.advance(7 * DAY_MS);

  const { written, heartbeats } = await system.actor(report).get();
  expect(written).toBe(5);
  expect(heartbeats).toBe(7 * 24 * 60);
});
