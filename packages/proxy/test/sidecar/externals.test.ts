/** What actors have done outside, beside a sidecar: stored with their commits, done by the programs that can. */
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { actor, external, fail } from "spawn-mesh";
import type { ExternalCall } from "spawn-mesh";
import {
  ActorInvocationSchema,
  ProgramSchema,
  RegistrationRequestSchema,
} from "spawn-mesh/protocol";
import { beforeEach, expect, test } from "vitest";
import { scratch } from "../fixtures/proxy-process.ts";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import type { TestProxy } from "../fixtures/start-proxy.ts";
import { TestHost } from "../fixtures/test-host.ts";
import { until } from "../fixtures/until.ts";
import { connectTo, failureOf, startBeside, urlOf } from "./start-sidecar.ts";

interface Mail {
  readonly to: string;
}

const sent: { readonly mail: Mail; readonly call: ExternalCall }[] = [];
let failures = 0;
beforeEach(() => {
  sent.length = 0;
  failures = 0;
});

const mailer = external("mailer", async (mail: Mail, call) => {
  sent.push({ mail, call });
  if (mail.to === "nobody") return fail("unknown recipient");
  if (mail.to === "slow") await sleep(60_000, undefined, { signal: call.signal, ref: false });
  if (failures-- > 0) throw new Error("no route to host");
  return undefined;
});

const shop = actor("shop", {
  state: () => ({ orders: 0 }),
  actions: {
    order(ctx, to: string): number {
      ctx.external(mailer, { to });
      return ++ctx.state.orders;
    },
    fails(ctx): void {
      ctx.external(mailer, { to: "never" });
      throw new Error("changed my mind");
    },
    later: (ctx) => ctx.external(mailer, { to: "late" }, { id: "mail-1", delayMs: 60_000 }),
    never: (ctx) => ctx.cancel("mail-1"),
  },
});

async function parked({ address }: TestProxy): Promise<readonly { readonly error: string }[]> {
  const url = `${urlOf(address)}/api/v1/system/spawn-system/messages/parked`;
  const { messages } = (await (await fetch(url)).json()) as {
    readonly messages: readonly { readonly error: string }[];
  };
  return messages;
}

async function waiting({ address }: TestProxy): Promise<readonly { readonly error: string }[]> {
  const url = `${urlOf(address)}/api/v1/system/spawn-system/messages`;
  return ((await (await fetch(url)).json()) as { messages: readonly { error: string }[] }).messages;
}

test("a function outside is called after the commit, and knows who asked", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [shop], { externals: [mailer] });
  expect(await system.actor(shop).order("ann")).toBe(1);
  expect(await failureOf(system.actor(shop).fails())).toBe("ACTION_FAILED no");
  expect(await system.actor(shop).order("bob")).toBe(2);
  await until(() => sent.length === 2);
  expect(sent.map(({ mail }) => mail.to)).toEqual(["ann", "bob"]);
  const [{ call }] = sent as [(typeof sent)[number]];
  expect(call).toMatchObject({
    attempt: 1,
    actor: { system: "spawn-system", definition: "shop", name: "shop" },
  });
  expect(call.id).toMatch(/^[0-9a-f]{32}$/);
  await until(async () => (await waiting(proxy)).length === 0);
  expect(await parked(proxy)).toEqual([]);
});

test("one that throws is called again under the same id", async () => {
  failures = 1;
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [shop], { externals: [mailer] });
  await system.actor(shop).order("ann");
  await until(() => sent.length === 1);
  await until(async () => (await waiting(proxy))[0]?.error !== undefined);
  expect((await waiting(proxy))[0]?.error).toBe("[ACTION_FAILED] mailer: no route to host");
  await until(() => sent.length === 2);
  const [first, second] = sent.map(({ call }) => call);
  expect(second?.id).toBe(first?.id);
  expect([first?.attempt, second?.attempt]).toEqual([1, 2]);
});

test("one that refuses is parked at once, with the reason", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [shop], { externals: [mailer] });
  await system.actor(shop).order("nobody");
  await until(async () => (await parked(proxy)).length === 1);
  expect((await parked(proxy))[0]?.error).toContain("mailer refused: unknown recipient");
  expect(sent).toHaveLength(1);
});

test("one that is sent later can be cancelled by its id", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [shop], { externals: [mailer] });
  await system.actor(shop).later();
  expect(await waiting(proxy)).toHaveLength(1);
  await system.actor(shop).never();
  expect(await waiting(proxy)).toEqual([]);
});

test("what no program can do waits for one, uncounted, over a restart of the proxy", async () => {
  await using files = scratch();
  const file = { PROXY_DATABASE_TYPE: "sqlite", PROXY_DATABASE_NAME: files.path("state.db") };
  {
    await using proxy = await startTestProxy(file);
    await using system = await startBeside(proxy, [shop]);
    await system.actor(shop).order("ann");
    await until(async () => (await waiting(proxy))[0]?.error !== undefined);
    expect((await waiting(proxy))[0]?.error).toContain('no function "mailer" is registered here');
  }
  await using proxy = await startTestProxy(file);
  await using _mails = await startBeside(proxy, [], { externals: [mailer] });
  await until(() => sent.length === 1);
  expect(sent[0]?.mail).toEqual({ to: "ann" });
});

test("what a program does that ends is done by the next one", async () => {
  await using proxy = await startTestProxy();
  const first = await startBeside(proxy, [shop], { externals: [mailer] });
  await using spawn = connectTo(proxy, { system: "spawn-system" });
  await first.actor(shop).order("slow");
  await until(() => sent.length === 1);
  first.crash();
  await until(() => sent[0]!.call.signal.aborted);
  await using _second = await startBeside(proxy, [shop], { externals: [mailer] });
  await until(() => sent.length === 2);
  expect(sent[1]?.call.id).toBe(sent[0]?.call.id);
  expect(await spawn.invoke("shop", { action: "get" })).toEqual({ orders: 1 });
});

test("functions that hang keep no action of their program waiting", async () => {
  const errand = actor("errand", {
    kind: "unnamed",
    state: () => ({ n: 0 }),
    actions: {
      run: (ctx) => {
        ctx.external(mailer, { to: "slow" });
        return ++ctx.state.n;
      },
    },
  });
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [errand, shop], { externals: [mailer] });
  const errands = Array.from({ length: 300 }, (_, at) => system.actor(errand, `e-${at}`).run());
  await Promise.all(errands);
  await until(() => sent.length >= 32);
  await sleep(300);
  const begunAt = performance.now();
  expect(await system.actor(shop).order("slow")).toBe(1);
  expect(performance.now() - begunAt).toBeLessThan(400);
  expect(sent.length).toBeLessThan(128);
  system.crash();
});

/** Registers functions of a host that is none of ours. */
async function registerFunctions(
  proxy: TestProxy,
  port: number,
  externals: readonly string[],
): Promise<number> {
  const request = create(RegistrationRequestSchema, {
    actorSystem: {
      name: "spawn-system",
      registry: { actors: { other: { id: { name: "other" } } } },
    },
  });
  const functions = create(ProgramSchema, { externals: [...externals] });
  const { status } = await fetch(`${urlOf(proxy.address)}/api/v1/system`, {
    method: "POST",
    headers: { "spawn-host-port": `${port}` },
    body: Buffer.concat([
      toBinary(RegistrationRequestSchema, request),
      toBinary(ProgramSchema, functions),
    ]),
  });
  return status;
}

test("a host that registers without a function is not asked for it any more", async () => {
  await using proxy = await startTestProxy();
  const asked: string[] = [];
  await using host = await TestHost.start({});
  host.raw = (response, body) => {
    asked.push(fromBinary(ActorInvocationSchema, body).actionName);
    response.end();
  };
  await using system = await startBeside(proxy, [shop]);
  expect(await registerFunctions(proxy, host.port, ["mailer"])).toBe(200);
  await system.actor(shop).order("ann");
  await until(() => asked.length === 1);
  expect(asked).toEqual(["mailer"]);
  expect(await registerFunctions(proxy, host.port, [])).toBe(200);
  await system.actor(shop).order("bob");
  await until(async () =>
    (await waiting(proxy)).some(({ error }) => error?.includes("no function") === true),
  );
  expect(asked).toHaveLength(1);
});

test("the answer of a program that was asked for something else does not count", async () => {
  await using proxy = await startTestProxy();
  await using host = await TestHost.start({
    mailer: () => ({ actorName: "another", updatedContext: {} }),
  });
  await using system = await startBeside(proxy, [shop]);
  await registerFunctions(proxy, host.port, ["mailer"]);
  await system.actor(shop).order("ann");
  await until(async () => (await waiting(proxy))[0]?.error !== undefined);
  expect((await waiting(proxy))[0]?.error).toContain('the host answered for "another"');
});

test("names that come and go are counted together", async () => {
  await using proxy = await startTestProxy();
  await using host = await TestHost.start({});
  const functions = (of: string): readonly string[] =>
    Array.from({ length: 600 }, (_, at) => `${of}-${at}`);
  expect(await registerFunctions(proxy, host.port, functions("first"))).toBe(200);
  expect(await registerFunctions(proxy, host.port, [])).toBe(200);
  expect(await registerFunctions(proxy, host.port, functions("second"))).toBe(429);
  expect(await registerFunctions(proxy, host.port, functions("first"))).toBe(200);
});

test("what is no list of functions outside is refused before anybody is told", () => {
  const start = async (externals: unknown): Promise<unknown> =>
    await startBeside({ address: { host: "127.0.0.1", port: 1 } }, [shop], {
      externals: externals as never,
    });
  return Promise.all([
    expect(start([{ name: "mailer" }])).rejects.toThrow(/expected what external/),
    expect(start(mailer)).rejects.toThrow(/externals: expected an array/),
    expect(start([mailer, mailer])).rejects.toThrow(/the external mailer is given twice/),
  ]);
});
