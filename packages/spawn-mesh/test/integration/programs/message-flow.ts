/**
 * FILE MODE [CLOCK_MS]: actors that send one another messages in order.
 *
 * `flow`: begins waves without end, and says `acknowledged` for each; goes on after refusals, until
 * the system stops. `rest`: waits until nothing is due, and says what was sent and received. CLOCK_MS
 * is how far the clock of the wall is off.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { actor, actorSystem, isSpawnError } from "spawn-mesh";
import type { Context } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { say } from "./list-actor.ts";

const NODES = 40;
const CALLERS = 16;
const HOPS = 4;
const REFUSED_PAUSE_MS = 20;
const REST_STEP_MS = 20;
const MIB = 2 ** 20;

const [file = "", mode = "", clockMs = "0"] = process.argv.slice(2);
const { now } = Date;
Date.now = () => now() + Number(clockMs);

interface Message {
  readonly from: string;
  readonly number: number;
  readonly hops: number;
}

interface Node {
  pushed: number;
  ticks: number;
  loose: number;
  readonly sent: Record<string, number>;
  readonly received: Record<string, number>;
  wrong: number;
}

const node = actor("node", {
  kind: "unnamed",
  state: (): Node => ({ pushed: 0, ticks: 0, loose: 0, sent: {}, received: {}, wrong: 0 }),
  actions: {
    push(ctx): void {
      ctx.state.pushed++;
      send(ctx, HOPS);
    },
    take(ctx, { from, number, hops }: Message): void {
      const before = ctx.state.received[from] ?? 0;
      if (number !== before + 1) ctx.state.wrong++;
      ctx.state.received[from] = number;
      send(ctx, hops - 1);
    },
    takeAny(ctx): void {
      ctx.state.loose++;
    },
    tick(ctx): void {
      ctx.state.ticks++;
    },
  },
  timers: [{ action: "tick", everyMs: 500 }],
});

function send(ctx: Context<Node>, hops: number): void {
  if (hops === 0) return;
  const own = Number(ctx.self.name);
  const to = String((own * 7 + hops) % NODES);
  const number = (ctx.state.sent[to] = (ctx.state.sent[to] ?? 0) + 1);
  const payload: Message = { from: ctx.self.name, number, hops };
  ctx.send(to, { definition: "node", action: "take", payload });
}

const startedAt = performance.now();
const system = actorSystem("flow", { actors: [node], statestore: sqliteStatestore({ file }) });
await system.start();

if (mode === "flow") {
  await Promise.all(Array.from({ length: CALLERS }, (_, caller) => pushOverAndOver(caller)));
} else {
  const ticks = await ticksOf("0");
  const startMs = Math.round(performance.now() - startedAt);
  await rest();
  await sleep(Number(mode === "ticks" ? 1_500 : 0));
  const restMs = Math.round(performance.now() - startedAt);
  const peakMib = Math.round(process.resourceUsage().maxRSS / (MIB / 1024));
  const isTicking = (await ticksOf("0")) > ticks;
  const parked = (await system.messages.listParked()).length;
  say(JSON.stringify({ ...(await totals()), parked, startMs, restMs, peakMib, isTicking }));
  await system.stop();
}

async function pushOverAndOver(caller: number): Promise<void> {
  for (let number = caller; ; number += CALLERS) {
    try {
      await system.actor(node, String(number % NODES)).push();
      say("acknowledged");
    } catch (error) {
      if (!isSpawnError(error)) throw error;
      say(`refused ${error.code} ${error.applied}`);
      if (error.code === "SHUTTING_DOWN") return;
      await sleep(REFUSED_PAUSE_MS);
    }
  }
}

async function ticksOf(name: string): Promise<number> {
  return (await system.actor(node, name).get()).ticks;
}

async function rest(): Promise<void> {
  for (;;) {
    const waiting = await system.messages.list({ limit: 1_000 });
    if (waiting.every(({ isTimer }) => isTimer)) return;
    await sleep(REST_STEP_MS);
  }
}

async function totals() {
  const names = Array.from({ length: NODES }, (_, index) => String(index));
  const states = await Promise.all(names.map((name) => system.actor(node, name).get()));
  const sum = (count: (state: Node) => number) =>
    states.reduce((total, state) => total + count(state), 0);
  const all = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((total, one) => total + one, 0);
  return {
    pushed: sum(({ pushed }) => pushed),
    sent: sum(({ sent }) => all(sent)),
    received: sum(({ received }) => all(received)),
    loose: sum(({ loose }) => loose),
    wrong: sum(({ wrong }) => wrong),
  };
}
