/** Those who set things going in `effects`, and remember what they were told. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "spawn-mesh";
import type { EffectsLedger, LaterOutcome } from "./effects-ledger.ts";
import { NODES } from "./effects-nodes.ts";
import type { EffectsRequest, NodeRecord } from "./effects-nodes.ts";
import type { Answer } from "./killable-worker.ts";
import type { RestartedWorker } from "./restarted-worker.ts";

type PushRequest = Extract<EffectsRequest, { readonly type: "push" }>;

/** Through how many actors a wave goes. */
const HOPS_MAX = 8;
/** A caller rests so long after a wave. */
const PAUSE_MS = 8;
/** Every so many waves are asked for by two callers at once, with the same key. */
const HURRIED_EVERY = 4;
/** After every so many waves an earlier one is asked for again, and the actor is read. */
const REPEAT_EVERY = 16;
const REMEMBERED = 200;
const LATER_EVERY_MS = 60;
/** A call for later is due after at least this time, so that nobody can ask for it again after it ran. */
const LATER_MS_MIN = 500;
const LATER_MS_SPAN = 3_000;
const VIAS: readonly PushRequest["via"][] = ["push", "pipe", "push", "forward"];

export class EffectsCallers {
  readonly #worker: RestartedWorker;
  readonly #random: Random;
  readonly #ledger: EffectsLedger;
  readonly #told: { readonly request: PushRequest; readonly reply: unknown }[] = [];
  /** Receives what was refused and should not have been. */
  readonly #onRefused: (message: string) => void;
  isOver = false;

  constructor(parts: {
    readonly worker: RestartedWorker;
    readonly random: Random;
    readonly ledger: EffectsLedger;
    readonly onRefused: (message: string) => void;
  }) {
    this.#worker = parts.worker;
    this.#random = parts.random;
    this.#ledger = parts.ledger;
    this.#onRefused = parts.onRefused;
  }

  /** Begins one wave after the other. */
  async push(): Promise<void> {
    while (!this.isOver) {
      const number = ++this.#ledger.pushes;
      const seed = this.#below(2 ** 31);
      await this.begin({
        type: "push",
        name: `n${this.#below(NODES)}`,
        via: VIAS[number % VIAS.length]!,
        push: { number, seed, hops: 1 + (seed % HOPS_MAX) },
        key: `push ${number}`,
      });
      await sleep(PAUSE_MS);
    }
  }

  /** Begins a wave, however often that takes. */
  async begin(request: PushRequest): Promise<void> {
    const { name, push } = request;
    const isHurried = push.number % HURRIED_EVERY === 0;
    const asked = isHurried ? [request, request] : [request];
    const replies = await Promise.all(asked.map((one) => this.#untilAnswered(one)));
    if (replies.some((reply) => reply === undefined)) return;
    this.#ledger.acknowledge(name, push.number);
    if (new Set(replies).size > 1) this.#ledger.contradictions.add(push.number);
    if (push.number % REPEAT_EVERY !== 0) return;
    await this.#read(name);
    await this.#repeat();
    if (this.#told.length < REMEMBERED) this.#told.push({ request, reply: replies[0] });
  }

  /** The actor has to know at least what was acknowledged before it is asked. */
  async #read(name: string): Promise<void> {
    const { count: least = 0 } = { ...this.#ledger.pushed.get(name) };
    const answer = await this.#ask({ type: "states", definition: "node", names: [name] });
    if (answer.type !== "reply") return;
    const [record] = answer.reply as readonly NodeRecord[];
    if (record!.pushed.count < least) this.#ledger.stale++;
  }

  /** A call that was answered gets the same answer, and begins nothing. */
  async #repeat(): Promise<void> {
    const told = this.#told[this.#below(this.#told.length)];
    if (told === undefined) return;
    const reply = await this.#untilAnswered(told.request);
    if (reply === undefined) return;
    this.#ledger.repeated++;
    if (reply !== told.reply) this.#ledger.contradictions.add(told.request.push.number);
  }

  /** Asks for one call for later after the other, and cancels some of them. */
  async callLater(): Promise<void> {
    const underWay: Promise<void>[] = [];
    for (let number = 0; !this.isOver; number++) {
      underWay.push(this.#callLater(`later:${number}`, number % 2 === 0));
      await sleep(LATER_EVERY_MS);
    }
    await Promise.all(underWay);
  }

  async #callLater(id: string, isCancelled: boolean): Promise<void> {
    const delayMs = LATER_MS_MIN + this.#below(LATER_MS_SPAN);
    const payload = { id, notBefore: Date.now() + delayMs };
    const name = `n${this.#below(NODES)}`;
    const message = { definition: "node", action: "later", payload, delayMs, id };
    const patienceMs = this.#below(delayMs * 2);
    const { type } = await this.#ask({ type: "send", name, message });
    // It is not asked for again: it might have run meanwhile, and would run again.
    this.#ledger.later.set(id, type === "reply" ? "once" : "maybe");
    if (!isCancelled) return;
    await sleep(patienceMs);
    const outcome = await this.#cancel(id);
    if (outcome !== undefined) this.#ledger.later.set(id, outcome);
  }

  /** What is known of a call after it was cancelled; `undefined` for nothing new. */
  async #cancel(id: string): Promise<LaterOutcome | undefined> {
    for (let isFirst = true; ; isFirst = false) {
      const answer = await this.#ask({ type: "cancel", id });
      if (answer.type !== "reply") continue;
      if (answer.reply === true) return "never";
      // It has run, unless the question before this one has cancelled it.
      return isFirst ? undefined : "maybe";
    }
  }

  /** What the call is told in the end; `undefined` if it is refused. */
  async #untilAnswered(request: PushRequest): Promise<unknown> {
    for (;;) {
      const answer = await this.#ask(request);
      if (answer.type === "reply") return answer.reply ?? null;
      if (answer.type === "gone") continue;
      const { retryable, applied, code, message } = answer.refusal;
      if (retryable || applied === "unknown") continue;
      this.#ledger.refused++;
      this.#onRefused(`${code}: ${message}`);
      return undefined;
    }
  }

  #ask(request: EffectsRequest): Promise<Answer> {
    return this.#worker.ask(request);
  }

  #below(bound: number): number {
    return Math.floor(this.#random.fraction() * bound);
  }
}
