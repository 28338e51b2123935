/** Declared indexes beside a sidecar: the program makes the entries, the proxy keeps and asks them. */
import { setTimeout as sleep } from "node:timers/promises";
import { actor, fail, read } from "spawn-mesh";
import { Kind } from "spawn-mesh/protocol";
import { expect, test } from "vitest";
import { counter, settings } from "../fixtures/counter.ts";
import { scratch } from "../fixtures/proxy-process.ts";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import type { TestProxy } from "../fixtures/start-proxy.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { until } from "../fixtures/until.ts";
import { json } from "../fixtures/values.ts";
import { connectTo, errorOf, failureOf, startBeside, urlOf } from "./start-sidecar.ts";

const member = actor("member", {
  kind: "unnamed",
  state: () => ({ email: null as string | null, age: 0 }),
  deactivateTimeoutMs: 50,
  index: ({ email, age }) => ({ email, age }),
  actions: {
    join(ctx, { email, age }: { email: string; age: number }): void {
      ctx.state = { email, age };
    },
    age(ctx, years: number): void {
      ctx.state.age += years;
      if (ctx.state.age > 150) throw new Error("too old");
    },
    refuse: (ctx) => {
      ctx.state.age = 99;
      return fail("refused");
    },
    tag(ctx, team: string): void {
      ctx.tags = { team };
    },
    look: read((ctx) => ctx.state.age),
  },
});

const names = ({ actors }: { actors: readonly { name: string }[] }): readonly string[] =>
  actors.map(({ name }) => name);

test("actors are found by what their last commit left", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [member]);
  const ann = system.actor(member, "ann");
  await ann.join({ email: "ann@example.org", age: 17 });
  await system.actor(member, "bob").join({ email: "bob@example.org", age: 40 });
  const adults = { age: { from: 18 } };
  expect(names(await system.find(member, { email: "ann@example.org" }))).toEqual(["ann"]);
  expect(names(await system.find(member, adults))).toEqual(["bob"]);
  await ann.age(1);
  expect(names(await system.find(member, adults))).toEqual(["ann", "bob"]);
  expect((await errorOf(ann.age(1_000))).code).toBe("ACTION_FAILED");
  expect((await errorOf(ann.refuse())).code).toBe("ACTION_FAILED");
  expect(names(await system.find(member, { age: { from: 18, below: 30 } }))).toEqual(["ann"]);
  await ann.tag("red");
  const { actors } = await system.find(member, { age: 18 });
  expect(actors).toMatchObject([{ name: "ann", tags: { team: "red" }, status: "stored" }]);
});

test("an actor that left memory is found as before, and after its next change by that", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [member]);
  await system.actor(member, "ann").join({ email: "ann@example.org", age: 18 });
  await expect
    .poll(async () => (await system.find(member, { age: 18 })).actors[0]?.isActive)
    .toBe(false);
  await system.actor(member, "ann").tag("red");
  expect(names(await system.find(member, { age: 18, email: "ann@example.org" }))).toEqual(["ann"]);
  await system.actor(member, "ann").age(2);
  expect(names(await system.find(member, { age: 18 }))).toEqual([]);
  expect(names(await system.find(member, { age: 20 }))).toEqual(["ann"]);
});

test("a proxy that was started again finds what the one before stored, and goes on with it", async () => {
  await using files = scratch();
  const file = { PROXY_DATABASE_TYPE: "sqlite", PROXY_DATABASE_NAME: files.path("state.db") };
  const first = await startTestProxy(file);
  await using system = await startBeside(first, [member]);
  await system.actor(member, "ann").join({ email: "ann@example.org", age: 18 });
  const { port } = first.address as { readonly port: number };
  await first.stop();
  await using _second = await startTestProxy({ ...file, PROXY_HTTP_PORT: `${port}` });
  await expect
    .poll(() => system.find(member, { age: 18 }).then(names, () => undefined))
    .toEqual(["ann"]);
});

test("a program that declares no index does not run what another one indexes", async () => {
  await using t = await startWithHost({ age: () => ({}) });
  await t.client.register([
    counter("member", {
      settings: { ...settings, kind: Kind.UNNAMED },
      actions: [{ name: "age" }],
    }),
  ]);
  {
    await using system = await startBeside(t.proxy, [member]);
    await system.actor(member, "ann").age(18);
    expect(names(await system.find(member, { age: 18 }))).toEqual(["ann"]);
  }
  await using spawn = connectTo(t.proxy, { system: "spawn-system" });
  expect(await failureOf(spawn.actor(member, "ann").age(1))).toBe("HOST_UNAVAILABLE no");
  expect(t.host.requests).toEqual([]);
});

test("reads that are remembered or sent commit no index, also of an actor that was not in memory", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [member]);
  const ann = system.actor(member, "ann");
  await ann.join({ email: "ann@example.org", age: 18 });
  const hasLeft = async (): Promise<void> =>
    await expect
      .poll(async () => (await system.find(member, { age: 18 })).actors[0]?.isActive)
      .toBe(false);
  await hasLeft();
  expect(await ann.look(undefined, { idempotencyKey: "look" })).toBe(18);
  await hasLeft();
  expect(await ann.get(undefined, { idempotencyKey: "get" })).toMatchObject({ age: 18 });
  await hasLeft();
  await system.effect(member, "ann").look();
  await until(async () => (await messagesOf(proxy)).length === 0);
  expect(await messagesOf(proxy, "/parked")).toEqual([]);
  expect(names(await system.find(member, { age: 18 }))).toEqual(["ann"]);
});

async function messagesOf({ address }: TestProxy, which = ""): Promise<readonly unknown[]> {
  const url = `${urlOf(address)}/api/v1/system/spawn-system/messages${which}`;
  return ((await (await fetch(url)).json()) as { readonly messages: readonly unknown[] }).messages;
}

test("a revision of one is not restored, since nobody would make its entries", async () => {
  const often = actor("member", {
    kind: "unnamed",
    state: () => ({ age: 0 }),
    snapshotTimeoutMs: 1,
    index: ({ age }) => ({ age }),
    actions: { age: (ctx, years: number) => (ctx.state.age = years) },
  });
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [often]);
  await system.actor(often, "ann").age(1);
  await sleep(5);
  await system.actor(often, "ann").age(2);
  const { headers, status } = await proxy.client.spawn(
    [{ name: "ann", parent: "member" }],
    "?revision=1",
  );
  expect(headers).toMatchObject({ "spawn-error": "INVALID_ARGUMENT", "spawn-applied": "no" });
  expect(status?.message).toContain("member declares an index, which only an action can make anew");
  expect(names(await system.find(often, { age: 2 }))).toEqual(["ann"]);
});

test("what a program without the index has begun can be repeated with the one that has it", async () => {
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  await using t = await startWithHost({
    age: async ({ currentContext }) => {
      begun.resolve();
      await goOn.promise;
      return { updatedContext: { ...currentContext!, state: json({ age: 1 }) } };
    },
  });
  await t.client.register([
    counter("member", {
      state: { state: json({ email: null, age: 0 }) },
      settings: { ...settings, kind: Kind.UNNAMED },
      actions: [{ name: "age" }],
    }),
  ]);
  await using spawn = connectTo(t.proxy, { system: "spawn-system" });
  const aging = errorOf(spawn.actor(member, "ann").age(1));
  await begun.promise;
  await using system = await startBeside(t.proxy, [member]);
  goOn.resolve();
  const { code, applied, retryable } = await aging;
  expect({ code, applied, retryable }).toEqual({
    code: "HOST_UNAVAILABLE",
    applied: "no",
    retryable: true,
  });
  await system.actor(member, "ann").age(1);
  expect(names(await system.find(member, { age: 1 }))).toEqual(["ann"]);
});

test("found in pages, each once", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [member]);
  const all = Array.from({ length: 5 }, (_, at) => `m-${at}`);
  for (const name of all) await system.actor(member, name).join({ email: name, age: 30 });
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await system.find(
      member,
      { age: 30 },
      { limit: 2, ...(after === undefined ? {} : { after }) },
    );
    found.push(...names(page));
    ({ after } = page);
  } while (after !== undefined);
  expect(found.toSorted()).toEqual(all);
});

test("what cannot be indexed fails the action, as it does embedded", async () => {
  const odd = actor("odd", {
    state: () => ({ at: 0 as unknown as number }),
    index: ({ at }) => ({ at: at === 1 ? ([] as unknown as number) : at, long: "x".repeat(at) }),
    actions: {
      set(ctx, at: number): void {
        ctx.state.at = at;
      },
    },
  });
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [odd]);
  await system.actor(odd).set(2);
  const error = await errorOf(system.actor(odd).set(1));
  expect(error.message).toContain("index.at: expected a string, a finite number");
  expect(`${error.code} ${error.applied}`).toBe("INVALID_ARGUMENT no");
  expect(await failureOf(system.actor(odd).set(513))).toBe("PAYLOAD_TOO_LARGE no");
  expect(names(await system.find(odd, { at: 2 }))).toEqual(["odd"]);
});

test("a question that says nothing, or what no index holds, is refused before it finds everybody", async () => {
  const plain = actor("plain", { state: () => ({ at: 0 }), actions: {} });
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [member, plain]);
  const find = (where: object, options?: object): Promise<string> =>
    failureOf(system.find(member, where as never, options));
  expect(await find({})).toBe("INVALID_ARGUMENT no");
  expect(await find({ email: undefined })).toBe("INVALID_ARGUMENT no");
  expect(await find({ age: Number.NaN })).toBe("INVALID_ARGUMENT no");
  expect(await find({ age: { from: 1, to: 2 } })).toBe("INVALID_ARGUMENT no");
  expect(await find({ age: 1 }, { limit: 0 })).toBe("INVALID_ARGUMENT no");
  expect(await find({ age: 1 }, { after: "nowhere" })).toBe("INVALID_ARGUMENT no");
  expect(await find({ age: 1 }, { limt: 1 })).toBe("INVALID_ARGUMENT no");
  const error = await errorOf(system.find(plain, {} as never));
  expect(error.message).toContain("find plain: it declares no index to find by");
});

test("the route refuses what is no question, and finds for hosts alone what is theirs", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [member]);
  await system.actor(member, "ann").join({ email: "ann@example.org", age: 18 });
  const ask = async (body: unknown, of = "spawn-system"): Promise<Response> =>
    await fetch(`${urlOf(proxy.address)}/api/v1/system/${of}/actors/find`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const found = await ask({ definition: "member", where: { age: 18 } });
  expect(await found.json()).toMatchObject({ actors: [{ definition: "member", name: "ann" }] });
  for (const body of ["", "1", "null", '"x"', "{}", { definition: 1 }]) {
    expect((await ask(body)).status, JSON.stringify(body)).toBe(400);
  }
  expect((await ask({ definition: "member", where: 1 })).status).toBe(400);
  expect((await ask({ definition: "member", where: { age: null } })).status).toBe(400);
  expect((await ask({ definition: "nobody", where: { age: 18 } })).status).toBe(404);
  expect((await ask({ definition: "<registered>", where: { age: 18 } })).status).toBe(404);
  expect((await ask({ definition: "member", where: { age: 18 } }, "nowhere")).status).toBe(404);
});
