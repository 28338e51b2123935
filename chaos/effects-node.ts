/** The actor that `effects` has a thousand of: sends messages of every kind and remembers them. */
import { actor } from "spawn-mesh";
import type { ActorOf, Context } from "spawn-mesh";
import { CHANNEL, NODES, POISON, count, emptyRecord } from "./effects-nodes.ts";
import type { LaterCall, NodeRecord, Push } from "./effects-nodes.ts";
import { gate, isMended, outside } from "./effects-outside.ts";

/** Each sends to so many others only, so that their records stay small. */
const NEIGHBOURS = 6;
const LATER_MS_MAX = 3_000;
/** Of ten kinds of messages, those with which something is done outside too. */
const OUTSIDE_KINDS: ReadonlySet<number> = new Set([3, 5, 7]);
/** The share of ordered messages that fail and have to be tried again, with all that wait behind them. */
const STUMBLES = 1 / 150;

/** A message of one actor to another. */
export interface Numbered {
  readonly from: string;
  readonly number: number;
  readonly push: Push;
  /** The time (wall) before which it must not run. */
  readonly notBefore?: number;
}

/** The actions that a call goes on in. */
type StepActions = {
  readonly step: (ctx: Context<NodeRecord>, numbered: Numbered) => string;
  readonly passed: (ctx: Context<NodeRecord>, push: Push) => string;
};

export const node: ActorOf<NodeRecord, StepActions, "unnamed"> = actor("node", {
  kind: "unnamed",
  state: emptyRecord,
  actions: {
    push(ctx, push: Push): string {
      begin(ctx, push);
      return `${ctx.self.name} began ${push.number}`;
    },
    /** An ordered message: the next number from that sender, or something is wrong. */
    ordered(ctx, { from, number, push }: Numbered): void {
      // The choice is not the message's: when it comes again it may succeed.
      if (Math.random() < STUMBLES) throw new Error("stumbled");
      takeInOrder(ctx.state, from, number);
      send(ctx, push);
    },
    /** A message in no order. */
    loose(ctx, { from, number, push, notBefore = 0 }: Numbered): void {
      if (ctx.now < notBefore) ctx.state.early++;
      count((ctx.state.looseReceived[from] ??= { count: 0, sum: 0 }), number);
      send(ctx, push);
    },
    /** A step of a pipe; the caller wants an answer. */
    step(ctx, { from, number }: Numbered): string {
      count((ctx.state.looseReceived[from] ??= { count: 0, sum: 0 }), number);
      return `${ctx.self.name} has ${number} of ${from}`;
    },
    /** A call that was passed on: whoever has the parcel last answers. */
    passed(ctx, { number }: Push): string {
      const from = ctx.caller!.name;
      count((ctx.state.looseReceived[from] ??= { count: 0, sum: 0 }), number);
      return `${ctx.self.name} has ${number} from ${from}`;
    },
    pipe(ctx, push: Push): Numbered {
      begin(ctx, push);
      const to = neighbour(ctx.self.name, push.seed);
      const number = nextLoose(ctx.state, to);
      ctx.pipe(node, to, "step");
      return { from: ctx.self.name, number, push };
    },
    forward(ctx, push: Push): void {
      begin(ctx, push);
      const to = neighbour(ctx.self.name, push.seed);
      count((ctx.state.looseSent[to] ??= { count: 0, sum: 0 }), push.number);
      ctx.forward(node, to, "passed");
    },
    /** Nobody cancelled it, and its time has come. */
    later(ctx, { id, notBefore }: LaterCall): void {
      ctx.state.later.push(id);
      if (ctx.now < notBefore) ctx.state.early++;
    },
    /** Sends one that ends the process, between two that do not. */
    sendPoison(ctx, push: Push): void {
      count(ctx.state.pushed, push.number);
      const to = neighbour(ctx.self.name, push.seed);
      sendOrdered(ctx, to, { ...push, hops: 0 });
      ctx.send(to, { definition: "node", action: POISON });
      sendOrdered(ctx, to, { ...push, hops: 0 });
    },
    poison(): void {
      if (!isMended()) process.kill(process.pid, "SIGKILL");
    },
  },
});

function begin(ctx: Context<NodeRecord>, push: Push): void {
  count(ctx.state.pushed, push.number);
  send(ctx, push);
}

/** A node sends to a few others, chosen by the push alone. */
function send(ctx: Context<NodeRecord>, { number, seed, hops }: Push): void {
  if (hops === 0) return;
  const { name } = ctx.self;
  const push = { number, seed: (seed * 48_271 + 11) % 2_147_483_647, hops: hops - 1 };
  const to = neighbour(name, seed);
  const kind = seed % 10;
  if (kind < 6) sendOrdered(ctx, to, push);
  // One that stumbles is in the way of the next.
  if (kind === 1) sendOrdered(ctx, to, { ...push, hops: 0 });
  if (kind === 0 || kind > 5) sendLoose(ctx, to, push);
  if (OUTSIDE_KINDS.has(kind)) ctx.state.external.push(ctx.external(outside, name));
  if (seed % 400 === 5) ctx.state.external.push(ctx.external(gate, name));
  if (kind === 8 && name.endsWith("0")) {
    ctx.state.broadcasts++;
    ctx.broadcast(CHANNEL, { from: name, number: ctx.state.broadcasts });
  }
}

/** Takes the next message of a sender, or takes note of what is wrong with it. */
export function takeInOrder(
  state: Pick<NodeRecord, "received" | "wrong">,
  from: string,
  number: number,
): void {
  const before = state.received[from] ?? 0;
  if (number !== before + 1) state.wrong.push(`${from} sent ${number} after ${before}`);
  state.received[from] = Math.max(before, number);
}

function sendOrdered(ctx: Context<NodeRecord>, to: string, push: Push): void {
  const number = (ctx.state.sent[to] ?? 0) + 1;
  ctx.state.sent[to] = number;
  const payload: Numbered = { from: ctx.self.name, number, push };
  ctx.send(to, { definition: "node", action: "ordered", payload });
}

/** At once or later, as the push says; in no order either way. */
function sendLoose(ctx: Context<NodeRecord>, to: string, push: Push): void {
  const number = nextLoose(ctx.state, to);
  const delayMs = push.seed % 3 === 0 ? undefined : push.seed % LATER_MS_MAX;
  const payload: Numbered = {
    from: ctx.self.name,
    number,
    push,
    ...(delayMs !== undefined && { notBefore: ctx.now + delayMs }),
  };
  const when = delayMs === undefined ? { ordered: false } : { delayMs };
  ctx.send(to, { definition: "node", action: "loose", payload, ...when });
}

function neighbour(name: string, seed: number): string {
  const own = Number(name.slice(1));
  return `n${(own + 1 + (seed % NEIGHBOURS) * 7) % NODES}`;
}

function nextLoose(state: NodeRecord, to: string): number {
  const loose = (state.looseSent[to] ??= { count: 0, sum: 0 });
  const number = loose.count + 1;
  count(loose, number);
  return number;
}
