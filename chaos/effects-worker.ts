/**
 * The process that `effects` kills: a thousand actors on a SQLite file that send one another messages
 * of every kind, and keep a record of what they sent and what came.
 */
import { appendFileSync } from "node:fs";
import { actor, actorSystem, external } from "spawn-mesh";
import type { Context } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { answerRequests } from "./answer-requests.ts";
import { NODES, TICKERS, TICK_MS } from "./effects-nodes.ts";
import type { EffectsRequest, Loose, NodeRecord, OutboxFigures, Push } from "./effects-nodes.ts";

/** Each sends to so many others only, so that their records stay small. */
const NEIGHBOURS = 6;
const LATER_MS_MAX = 3_000;

const [file = "", outsideFile = ""] = process.argv.slice(2);

const outside = external("outside", (name: string, { id }) => {
  appendFileSync(outsideFile, `${name} ${id}\n`);
});

const node = actor("node", {
  kind: "unnamed",
  state: (): NodeRecord => ({
    sent: {},
    received: {},
    looseSent: {},
    looseReceived: {},
    external: 0,
    wrong: [],
  }),
  actions: {
    push(ctx, push: Push): number {
      send(ctx, push);
      return push.hops;
    },
    /** An ordered message: the next number from that sender, or something is wrong. */
    ordered(ctx, { from, number, push }: Numbered): void {
      const before = ctx.state.received[from] ?? 0;
      if (number !== before + 1) ctx.state.wrong.push(`${from} sent ${number} after ${before}`);
      ctx.state.received[from] = Math.max(before, number);
      send(ctx, push);
    },
    /** A message in no order. */
    loose(ctx, { from, number, push }: Numbered): void {
      count(ctx.state.looseReceived, from, number);
      send(ctx, push);
    },
    /** A step of a pipe; the caller wants an answer. */
    step(ctx, { from, number }: Numbered): string {
      count(ctx.state.looseReceived, from, number);
      return `${ctx.self.name} has ${number} of ${from}`;
    },
    route(ctx, push: Push): Numbered {
      const to = neighbour(ctx.self.name, push.seed);
      const number = nextLoose(ctx.state, to);
      ctx.send("unused", { definition: "nobody", action: "x", delayMs: 10 ** 9, id: "far-away" });
      routeTo(ctx, to);
      return { from: ctx.self.name, number, push };
    },
  },
});

interface Numbered {
  readonly from: string;
  readonly number: number;
  readonly push: Push;
}

/** A node sends to a few others, chosen by the push alone. */
function send(ctx: Context<NodeRecord>, { seed, hops }: Push): void {
  if (hops === 0) return;
  const { name } = ctx.self;
  const push = { seed: (seed * 48_271 + 11) % 2_147_483_647, hops: hops - 1 };
  const to = neighbour(name, seed);
  const kind = seed % 10;
  if (kind < 7) {
    const number = (ctx.state.sent[to] ?? 0) + 1;
    ctx.state.sent[to] = number;
    const payload: Numbered = { from: name, number, push };
    ctx.send(to, { definition: "node", action: "ordered", payload });
  }
  if (kind === 0 || kind > 6) {
    const payload: Numbered = { from: name, number: nextLoose(ctx.state, to), push };
    const delayMs = seed % LATER_MS_MAX;
    ctx.send(to, { definition: "node", action: "loose", payload, delayMs });
  }
  if (kind === 3) {
    ctx.state.external++;
    ctx.external(outside, name);
  }
}

function routeTo(ctx: Pick<Context<NodeRecord>, "pipe">, to: string): void {
  ctx.pipe(node, to, "step");
}

function neighbour(name: string, seed: number): string {
  const own = Number(name.slice(1));
  return `n${(own + 1 + (seed % NEIGHBOURS) * 7) % NODES}`;
}

function nextLoose(state: NodeRecord, to: string): number {
  const number = (state.looseSent[to]?.count ?? 0) + 1;
  count(state.looseSent, to, number);
  return number;
}

function count(counts: Record<string, Loose>, other: string, number: number): void {
  const loose = (counts[other] ??= { count: 0, sum: 0 });
  loose.count++;
  loose.sum += number;
}

/** Its ticks send too, until it is told to be quiet. */
const tickers = Array.from({ length: TICKERS }, (_, index) =>
  actor(`ticker${index}`, {
    state: () => ({ ticks: 0, isQuiet: false, firstAt: 0, lastAt: 0, sent: 0 }),
    actions: {
      tick(ctx): void {
        ctx.state.ticks++;
        ctx.state.firstAt ||= ctx.now;
        ctx.state.lastAt = ctx.now;
        if (ctx.state.isQuiet) return;
        ctx.state.sent++;
        const payload: Numbered = {
          from: ctx.self.name,
          number: ctx.state.sent,
          push: { seed: ctx.state.sent * 7_919 + index, hops: 2 },
        };
        ctx.send(`n${index}`, { definition: "node", action: "ordered", payload });
      },
      hush(ctx): void {
        ctx.state.isQuiet = true;
      },
    },
    timers: [{ action: "tick", everyMs: TICK_MS }],
  }),
);

const system = actorSystem("chaos", {
  actors: [node, ...tickers],
  externals: [outside],
  statestore: sqliteStatestore({ file }),
});
await system.start();

answerRequests({
  handle: (request) => handle(request as EffectsRequest),
  stop: () => system.stop(),
});

async function handle(request: EffectsRequest): Promise<unknown> {
  switch (request.type) {
    case "push": {
      const { name, push, key } = request;
      const action = push.seed % 4 === 0 ? "route" : "push";
      const options = { definition: "node", action, payload: push, idempotencyKey: key };
      return await system.invoke(name, options);
    }
    case "record":
      return await Promise.all(
        request.names.map((name) => system.invoke(name, { definition: "node", action: "get" })),
      );
    case "hush":
      return await Promise.all(tickers.map((ticker) => system.actor(ticker).hush()));
    case "tickers":
      return await Promise.all(tickers.map((ticker) => system.actor(ticker).get()));
    case "outbox":
      return await outboxFigures();
  }
}

async function outboxFigures(): Promise<OutboxFigures> {
  const waiting = await system.messages.list({ limit: 1_000 });
  const parked = await system.messages.listParked({ limit: 100 });
  const timers = waiting.filter(({ isTimer }) => isTimer).length;
  const later = waiting.filter(({ target }) => target.definition === "nobody").length;
  return {
    due: waiting.length - timers - later,
    timers,
    parked: parked.map(({ target, action, error }) => `${target.name} ${action}: ${error}`),
  };
}
