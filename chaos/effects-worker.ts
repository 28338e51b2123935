/**
 * The process that `effects` kills: a thousand actors on a SQLite file that send one another messages
 * of every kind, with timers, beats, broadcasts and things that are done outside.
 */
import { actor, actorSystem } from "spawn-mesh";
import type { AnyActor } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { answerRequests } from "./answer-requests.ts";
import { node, takeInOrder } from "./effects-node.ts";
import type { Numbered } from "./effects-node.ts";
import { CHANNEL, LISTENERS, POISON, TICKERS, TICK_MS, emptyRecord } from "./effects-nodes.ts";
import type { EffectsRequest, OutboxFigures, ParkedNote } from "./effects-nodes.ts";
import { gate, outside } from "./effects-outside.ts";

/** What is due after so much time was meant to wait. */
const FAR_AWAY_MS = 60 * 60 * 1_000;
/** What comes again and again is behind when it is due so long ago. */
const LATE_MS = 1_000;

const [file = "", , , attemptsMax = ""] = process.argv.slice(2);

/** Its ticks send too, until it is told to be quiet. */
function tickerActor(name: string, index: number): AnyActor {
  return actor(name, {
    state: () => ({ ticks: 0, isQuiet: false, firstAt: 0, lastAt: 0, sent: 0 }),
    actions: {
      tick(ctx): void {
        ctx.state.ticks++;
        ctx.state.firstAt ||= ctx.now;
        ctx.state.lastAt = ctx.now;
        if (ctx.state.isQuiet) return;
        const number = ++ctx.state.sent;
        const push = { number: 0, seed: number * 7_919 + index, hops: 2 };
        const payload: Numbered = { from: name, number, push };
        ctx.send(`n${index}`, { definition: "node", action: "ordered", payload });
      },
      hush(ctx): void {
        ctx.state.isQuiet = true;
      },
    },
    timers: [{ action: "tick", everyMs: TICK_MS }],
  });
}

/** Hears every broadcast, those of one publisher in their order. */
function listenerActor(name: string): AnyActor {
  return actor(name, {
    state: emptyRecord,
    channels: [{ channel: CHANNEL, action: "hear" }],
    actions: {
      hear(ctx, { from, number }: Numbered): void {
        takeInOrder(ctx.state, from, number);
      },
    },
  });
}

/** Is sent one message again and again. */
const metronome = actor("metronome", {
  kind: "unnamed",
  state: () => ({ ticks: 0, sent: 0, firstAt: 0, lastAt: 0 }),
  actions: {
    beat(ctx): void {
      ctx.state.ticks++;
      ctx.state.firstAt ||= ctx.now;
      ctx.state.lastAt = ctx.now;
    },
  },
});

const system = actorSystem("chaos", {
  actors: [node, metronome, ...TICKERS.map(tickerActor), ...LISTENERS.map(listenerActor)],
  externals: [outside, gate],
  statestore: sqliteStatestore({ file }),
  limits: { messageAttemptsMax: Number(attemptsMax) },
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
      const action = request.via === "poison" ? "sendPoison" : request.via;
      const options = { definition: "node", action, payload: push, idempotencyKey: key };
      return await system.invoke(name, options);
    }
    case "send":
      return await system.send(request.name, request.message);
    case "cancel":
      return await system.messages.cancel(request.id);
    case "retry":
      return await system.messages.retry(...request.ids);
    case "states": {
      const { definition, names } = request;
      return await Promise.all(
        names.map((name) => system.invoke(name, { definition: definition ?? name, action: "get" })),
      );
    }
    case "hush":
      return await Promise.all(TICKERS.map((name) => system.invoke(name, { action: "hush" })));
    case "outbox":
      return await outboxFigures();
  }
}

async function outboxFigures(): Promise<OutboxFigures> {
  const waiting = await system.messages.list({ limit: 1_000 });
  const parked = await system.messages.listParked({ limit: 1_000 });
  const now = Date.now();
  // One that is late, or has to be tried again, has not come to rest.
  const repeated = waiting.filter(({ headers, attempts, dueAt }) => {
    return headers.repeat !== undefined && attempts === 0 && dueAt > now - LATE_MS;
  });
  const later = waiting.filter(({ dueAt }) => dueAt > now + FAR_AWAY_MS);
  const poison = waiting.filter(({ action }) => action === POISON);
  return {
    due: waiting.length - repeated.length - later.length - poison.length,
    later: later.length,
    repeated: repeated.length,
    parked: parked.map(({ id, action, target, error }): ParkedNote => {
      return { id, action, target: target.name, error };
    }),
  };
}
