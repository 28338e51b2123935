// Finding members, acting on many, deleting many, and letting sessions expire.
import { testActorSystem, type TestActorSystem } from "spawn-mesh/testing";
import { expect, test } from "vitest";
import { member, session } from "./members.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

async function withMembers(): Promise<TestActorSystem> {
  const system = await testActorSystem({ actors: [member, session] });
  const ages = { ann: 17, bob: 30, eve: 64, max: 65 };
  for (const [name, age] of Object.entries(ages)) {
    const plan = age < 65 ? "monthly" : "free";
    await system.actor(member, name).join({ email: `${name}@example.org`, age, plan });
  }
  return system;
}

test("members are found by what they declare, and page by page", async () => {
  await using system = await withMembers();

  const [bob] = (await system.find(member, { email: "bob@example.org" })).actors;
  expect(bob?.name).toBe("bob");

  const adults = { age: { from: 18, below: 65 } };
  const first = await system.find(member, adults, { limit: 1 });
  const second = await system.find(member, adults, { limit: 1, after: first.after! });
  expect([...first.actors, ...second.actors].map(({ name }) => name)).toEqual(["bob", "eve"]);
});

test("something is done with all that pay, and counted", async () => {
  await using system = await withMembers();
  const paying = { tags: { plan: "monthly" } };

  const done = await system.actors.forEach(member, (ref) => ref.remind(), {
    ...paying,
    concurrency: 8,
    onProgress: ({ found, ok }) => expect(ok).toBeLessThanOrEqual(found),
  });
  expect([done.ok, done.failed]).toEqual([3, 0]);

  const reminded: string[] = [];
  for await (const { name, ref } of system.actors.all(member)) {
    if ((await ref.get()).reminders > 0) reminded.push(name);
  }
  expect(reminded.toSorted()).toEqual(["ann", "bob", "eve"]);
});

test("members that nobody changed for a month are counted, then deleted", async () => {
  await using system = await withMembers();
  await system.advance(40 * DAY_MS);
  await system.actor(member, "ann").remind();

  const old = { changedBefore: system.clock.wall() - 30 * DAY_MS };
  expect((await system.actors.purge(member, { ...old, dryRun: true })).found).toBe(3);
  expect((await system.actors.purge(member, { ...old, limit: 2 })).ok).toBe(2);
  expect((await system.actors.purge(member, old)).ok).toBe(1);
  expect((await system.actors.list({ definition: "member" })).actors.map((a) => a.name)).toEqual([
    "ann",
  ]);
});

test("a session expires", async () => {
  await using system = await withMembers();
  await system.actor(session, "s1").visit();
  await system.advance(29 * DAY_MS);
  expect((await system.actor(session, "s1").get()).pages).toBe(1);
  await system.advance(2 * DAY_MS);
  expect((await system.actor(session, "s1").get()).pages).toBe(0);
});
