/** What is done outside: after the commit, at least once, with a stable id; parked when it cannot be done. */
import { describe, expect, test } from "vitest";
import { actor, external, fail } from "spawn-mesh";
import type { ExternalCall } from "spawn-mesh";
import { crashAndRestart, failureOf, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

interface Mail {
  readonly to: string;
}

const sent: { readonly mail: Mail; readonly call: ExternalCall }[] = [];
let isDown = false;

const mailer = external("mailer", async (mail: Mail, call) => {
  sent.push({ mail, call });
  if (isDown) throw new Error("no route to host");
  if (mail.to === "nobody") return fail("unknown recipient");
  if (mail.to === "slow") await new Promise(() => undefined);
  return undefined;
});

const shop = actor("shop", {
  state: () => ({ orders: 0 }),
  actions: {
    order(ctx, to: string) {
      ctx.state.orders++;
      return ctx.external(mailer, { to });
    },
    fails(ctx): void {
      ctx.external(mailer, { to: "never" });
      throw new Error("changed my mind");
    },
  },
});

async function start(limits = {}): Promise<StartedSystem> {
  sent.length = 0;
  isDown = false;
  return await startSystem([shop], { externals: [mailer], limits });
}

async function pass({ clock }: StartedSystem, ms: number): Promise<void> {
  for (let step = 0; step < 10; step++) {
    await clock.advance(ms / 10);
    await settled();
  }
}

describe("something outside", () => {
  test("is done after the commit, knows who asked, and is stored no longer", async () => {
    const { system } = await start();
    const id = await system.actor(shop).order("ann");
    await settled();
    expect(sent).toMatchObject([
      { mail: { to: "ann" }, call: { id, attempt: 1, actor: { name: "shop" } } },
    ]);
    expect(await system.messages.list()).toEqual([]);
  });

  test("is not done when the action fails", async () => {
    const { system } = await start();
    expect(await failureOf(system.actor(shop).fails())).toBe("ACTION_FAILED no");
    await settled();
    expect(sent).toEqual([]);
  });

  test("that fails is tried again with the same id, also by the next process", async () => {
    const first = await start();
    isDown = true;
    const id = await first.system.actor(shop).order("ann");
    await pass(first, 4_000);
    expect(sent.length).toBeGreaterThan(1);
    const second = await crashAndRestart(first, [shop], { externals: [mailer] });
    isDown = false;
    await pass(second, 10_000);
    expect(new Set(sent.map(({ call }) => call.id))).toEqual(new Set([id]));
    expect(await second.system.messages.list()).toEqual([]);
    expect(await second.system.messages.listParked()).toEqual([]);
  });

  test("that is refused for good is parked at once", async () => {
    const { system } = await start();
    const id = await system.actor(shop).order("nobody");
    await settled();
    const [parked] = await system.messages.listParked();
    expect(parked).toMatchObject({ id });
    expect(parked?.error).toContain("unknown recipient");
    expect(sent).toHaveLength(1);
  });

  test("that takes too long is aborted and tried again", async () => {
    const started = await start({ externalTimeoutMs: 1_000 });
    await started.system.actor(shop).order("slow");
    await pass(started, 1_500);
    expect(sent[0]?.call.signal.aborted).toBe(true);
    const [waiting] = await started.system.messages.list();
    expect(waiting?.error).toContain("took more than 1000 ms");
  });

  test("that is registered nowhere waits for a process that has it, counts no attempt, and tells why", async () => {
    sent.length = 0;
    isDown = false;
    const started = await startSystem([shop], { limits: { messageAttemptsMax: 2 } });
    const id = await started.system.actor(shop).order("ann");
    for (let minute = 0; minute < 10; minute++) await pass(started, 60_000);
    expect(await started.system.messages.listParked()).toEqual([]);
    expect(await started.system.messages.list()).toMatchObject([
      { id, attempts: 0, error: expect.stringContaining('no function "mailer" is registered') },
    ]);
    const second = await crashAndRestart(started, [shop], { externals: [mailer] });
    await pass(second, 10_000);
    expect(sent.map(({ mail }) => mail.to)).toEqual(["ann"]);
    expect(await second.system.messages.list()).toEqual([]);
  });
});
