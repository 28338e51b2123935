/**
 * Clients: each calls an actor, waits, thinks, and calls again. They outlive every incarnation, as a
 * recorder must, and repeat calls with idempotency keys until they know.
 */
import { sleep } from "../../src/engine/clock.ts";
import { isSpawnError } from "../../src/engine/errors.ts";
import {
  cancellableOf,
  drawCancel,
  drawMortalPost,
  drawOptions,
  drawPlace,
  drawPost,
  isRepeated,
} from "./draw-post.ts";
import type { Drawing } from "./draw-post.ts";
import type { Answer, CallRequest, Incarnation, Surroundings } from "./incarnation.ts";
import { badModes } from "./definitions.ts";
import type { AppendPayload, Mode } from "./definitions.ts";
import { CURSED } from "./connection.ts";
import { beginOperation, endOperation } from "./operations.ts";
import type { ActorRole, Operation, Outcome } from "./run-log.ts";

/** The rows that another program has left: newer, of another codec, damaged. */
export const foreignActors = ["newer", "protobuf", "damaged", CURSED] as const;

const NOBODY_ALIVE_MS = 20;
const ATTEMPTS_MAX = 40;
const RETRY_MS_MAX = 150;
const LONG_DEADLINE_MS = 12_000;
const SHORT_DEADLINE_MS = 60;

export interface ClientParts extends Surroundings {
  /** The incarnations that take calls. */
  readonly alive: () => readonly Incarnation[];
}

export class Client {
  readonly #parts: ClientParts;
  readonly #label: string;
  #made = 0;

  constructor(label: string, parts: ClientParts) {
    this.#label = label;
    this.#parts = parts;
  }

  /** Works until `until`, and then until everything it began has an outcome. */
  async work(until: number): Promise<void> {
    const { world, profile } = this.#parts;
    const { clock, choices } = world;
    while (clock.monotonic() < until) {
      await sleep(clock, choices.waitMs(profile.thinkMs));
      const count = choices.chance(0.2) ? choices.between(1, profile.burstMax) : 1;
      const calls = Array.from({ length: count }, () => this.#callOnce());
      if (count > 1 && choices.chance(0.5)) void Promise.all(calls);
      else await Promise.all(calls);
    }
  }

  #callOnce(): Promise<void> {
    const { choices } = this.#parts.world;
    if (choices.chance(this.#parts.profile.messages.share)) return this.#usePost();
    const roll = choices.between(0, 99);
    if (roll < 4) return this.#touchForeign();
    if (roll < 16) return this.#useDeletable();
    return this.#useList(roll < 60 ? "write-behind" : "list");
  }

  async #useList(role: "list" | "write-behind"): Promise<void> {
    const { world, profile } = this.#parts;
    const { choices } = world;
    const { shares, actors } = profile;
    const name = `a${choices.between(1, actors)}`;
    if (choices.chance(shares.read)) return await this.#read(role, name);
    const value = `${this.#label}.${++this.#made}`;
    const operation = beginOperation(world, { role, name, kind: "append", value });
    const isRelay = role === "list" && choices.chance(shares.relay);
    const hasKey = choices.chance(shares.key);
    const payload = isRelay
      ? { value, through: `a${choices.between(1, actors)}` }
      : { ...this.#appendPayload(value, role), ...(hasKey ? {} : { call: world.next() }) };
    const request = this.#request({ role, name, action: isRelay ? "relay" : "append", payload });
    if (hasKey) await this.#repeat(operation, { ...request, idempotencyKey: value });
    else await this.#finish(operation, [await this.#attempt(operation, request)]);
  }

  /** Calls with a key until the outcome is known; now and then two at once. */
  async #repeat(operation: Operation, request: CallRequest): Promise<void> {
    const { clock, choices } = this.#parts.world;
    const answers: Answered[] = [];
    const twin = choices.chance(0.35) ? this.#attempt(operation, request) : undefined;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const last = await this.#attempt(operation, request);
      answers.push(last);
      if (last.outcome === "yes" || !last.isRetryable) break;
      await sleep(clock, choices.between(1, RETRY_MS_MAX));
    }
    if (twin !== undefined) answers.push(await twin);
    await this.#finish(operation, answers);
  }

  async #read(role: ActorRole, name: string): Promise<void> {
    const operation = beginOperation(this.#parts.world, { role, name, kind: "read" });
    const request = this.#request({ role, name, action: "read", payload: undefined });
    await this.#finish(operation, [await this.#attempt(operation, request)]);
  }

  /** Calls a fleeting actor, or sends it something. */
  async visit(name: string): Promise<void> {
    const { world } = this.#parts;
    const { choices } = world;
    const roll = choices.between(0, 9);
    if (roll < 2) return await this.#read("fleeting", name);
    const value = `${this.#label}.${++this.#made}`;
    const payload = this.#appendPayload(value, "fleeting");
    if (roll < 4) return await this.#send("fleeting", name, { action: "append", payload });
    const operation = beginOperation(world, { role: "fleeting", name, kind: "append", value });
    const request = this.#request({ role: "fleeting", name, action: "append", payload });
    if (roll < 6) await this.#repeat(operation, { ...request, idempotencyKey: value });
    else await this.#finish(operation, [await this.#attempt(operation, request)]);
  }

  /** Tells an actor that deletes itself now and then what to do, or deletes it. */
  async useMortal(name: string): Promise<void> {
    const { world, profile } = this.#parts;
    const { choices } = world;
    const at = { role: "post-mortal", name } as const;
    if (choices.chance(0.05)) {
      const operation = beginOperation(world, { ...at, kind: "delete" });
      const request = this.#request({ ...at, action: "post", payload: undefined });
      return await this.#finish(operation, [await this.#attempt(operation, request)]);
    }
    const value = `${this.#label}.${++this.#made}`;
    const drawing = { choices, profile, drawn: world.drawn };
    if (choices.chance(0.2)) {
      const payload = { ...drawMortalPost(drawing, `${value}/1`, at), route: [] };
      return await this.#send(at.role, name, { action: "post", payload });
    }
    const drawn = drawMortalPost(drawing, value, at);
    const hasKey = choices.chance(0.4);
    // What is remembered by its key goes with a delete, and then all of it may be sent again.
    const payload = hasKey
      ? { ...drawn, errands: [], broadcasts: [], outside: [], route: [] }
      : drawn;
    const isRouted = payload.route.length > 0;
    world.asked.set(value, payload);
    const operation = beginOperation(world, { ...at, kind: "append", value, isRouted });
    const request = this.#request({ ...at, action: "post", payload });
    if (hasKey) await this.#repeat(operation, { ...request, idempotencyKey: value });
    else await this.#finish(operation, [await this.#attempt(operation, request)]);
  }

  async #send(
    role: ActorRole,
    name: string,
    request: { readonly action: string; readonly payload: unknown },
  ): Promise<void> {
    const { world } = this.#parts;
    const { engine } = await this.#anyAlive();
    await engine.send(name, { definition: role, ...request }).then(
      (id) => world.acknowledged.add(id),
      (error: unknown) => world.count(isSpawnError(error) ? `send ${error.code}` : "untyped"),
    );
  }

  async #useDeletable(): Promise<void> {
    const { world, profile } = this.#parts;
    const { choices } = world;
    const name = `d${choices.between(1, profile.actors)}`;
    const roll = choices.between(0, 9);
    if (roll < 2) return await this.#read("deletable", name);
    const kind = roll < 4 ? "delete" : "append";
    const value = kind === "append" ? `${this.#label}.${++this.#made}` : "";
    const operation = beginOperation(world, { role: "deletable", name, kind, value });
    const payload = kind === "append" ? this.#appendPayload(value, "deletable") : undefined;
    const request = this.#request({ role: "deletable", name, action: "append", payload });
    await this.#finish(operation, [await this.#attempt(operation, request)]);
  }

  async #usePost(): Promise<void> {
    const { world, profile } = this.#parts;
    const { choices } = world;
    const { shares, messages } = profile;
    const drawing = { choices, profile, drawn: world.drawn };
    const value = `${this.#label}.${++this.#made}`;
    if (choices.chance(messages.outsideShare)) return await this.#sendFromOutside(value);
    const { at, payload } = this.#drawPost(drawing, value);
    const { role, name } = at;
    world.asked.set(value, payload);
    const isRouted = payload.route.length > 0;
    const operation = beginOperation(world, { role, name, kind: "append", value, isRouted });
    const request = this.#request({ role, name, action: "post", payload });
    const hasKey = role !== "post-stateless" && choices.chance(shares.key);
    if (hasKey) await this.#repeat(operation, { ...request, idempotencyKey: value });
    else await this.#finish(operation, [await this.#attempt(operation, request)]);
  }

  /** Something new, or that something from before is not wanted any more. */
  #drawPost(drawing: Drawing, value: string) {
    const { choices, cancellable } = this.#parts.world;
    if (cancellable.length > 0 && choices.chance(drawing.profile.messages.cancelShare)) {
      // Often what was asked for just now, so that both may be in one commit.
      const place = choices.chance(0.5) ? -1 : choices.between(0, cancellable.length - 1);
      const [unwanted] = cancellable.splice(place, 1);
      return drawCancel(drawing, value, unwanted!);
    }
    const at = drawPlace(drawing);
    const payload = drawPost(drawing, value, at);
    cancellable.push(...cancellableOf(at, payload));
    return { at, payload };
  }

  async #sendFromOutside(value: string): Promise<void> {
    const { world, profile } = this.#parts;
    const drawing = { choices: world.choices, profile, drawn: world.drawn };
    const at = drawPlace(drawing);
    const { role, name } = at;
    const { reliability: _, ...options } = drawOptions(drawing);
    const payload = {
      ...drawPost(drawing, `${value}/1`, at),
      route: [],
      isLater: options.delayMs !== undefined,
    };
    const { engine } = await this.#anyAlive();
    const request = { ...options, definition: role, action: "post" };
    await engine
      .send(name, {
        ...request,
        payload: isRepeated(options) ? { ...payload, mode: "plain" } : payload,
      })
      .then(
        (id) => world.acknowledged.add(id),
        (error: unknown) => world.count(isSpawnError(error) ? `send ${error.code}` : "untyped"),
      );
  }

  async #touchForeign(): Promise<void> {
    const { world } = this.#parts;
    const name = world.choices.pick(foreignActors);
    const value = `${this.#label}.${++this.#made}`;
    const operation = beginOperation(world, { role: "foreign", name, kind: "append", value });
    const payload: AppendPayload = { value, mode: "plain", ms: 0 };
    const request = this.#request({ role: "foreign", name, action: "append", payload });
    await this.#finish(operation, [await this.#attempt(operation, request)]);
  }

  #appendPayload(value: string, role: ActorRole): AppendPayload {
    const { world, profile } = this.#parts;
    const { choices } = world;
    const { shares } = profile;
    let mode: Mode = choices.chance(0.2) ? "replace" : "plain";
    if (choices.chance(shares.slow)) mode = "slow";
    if (choices.chance(shares.badCode)) mode = choices.pick(badModes.slice(0, -1));
    // What can never be stored takes acknowledged changes of a write-behind actor with it.
    const mayPoison = role !== "write-behind" || !profile.isExclusive;
    if (mayPoison && choices.chance(shares.poison)) mode = "poison";
    const isLong = mode === "hang" || choices.chance(0.3);
    return { value, mode, ms: choices.between(1, isLong ? 600 : 40) };
  }

  #request(what: {
    readonly role: ActorRole;
    readonly name: string;
    readonly action: string;
    readonly payload: unknown;
  }): CallRequest {
    const { choices } = this.#parts.world;
    const { shares } = this.#parts.profile;
    const { role, name, action, payload } = what;
    const isLengthy =
      ((payload as Partial<AppendPayload> | undefined)?.ms ?? 0) > SHORT_DEADLINE_MS;
    const isShort = choices.chance(isLengthy ? 0.5 : shares.shortDeadline);
    return {
      name,
      definition: role,
      action,
      payload,
      deadlineMs: isShort ? choices.between(1, SHORT_DEADLINE_MS) : LONG_DEADLINE_MS,
      ...(choices.chance(shares.abort) ? { signal: this.#abortedSoon() } : {}),
      ...(action === "append" && choices.chance(shares.async) ? { async: true } : {}),
    };
  }

  #abortedSoon(): AbortSignal {
    const { world } = this.#parts;
    const controller = new AbortController();
    world.clock.timer(world.choices.between(1, 40), () => controller.abort());
    world.count("fault abort");
    return controller.signal;
  }

  async #attempt(operation: Operation, request: CallRequest): Promise<Answered> {
    const incarnation = await this.#anyAlive();
    // A signal that was used up would refuse every further attempt.
    const { signal, ...rest } = request;
    const isUsable = signal?.aborted === false;
    const answer = await incarnation.call(operation, isUsable ? { ...rest, signal } : rest);
    const { world } = this.#parts;
    const { outcome, code, reply } = answer;
    const isHeard = outcome === "yes" && code === undefined && reply !== undefined;
    if (isHeard) operation.lastReplies?.add(JSON.stringify(reply));
    return { ...answer, owner: incarnation.label, sequence: world.next() };
  }

  async #anyAlive(): Promise<Incarnation> {
    const { world, alive } = this.#parts;
    for (;;) {
      const incarnations = alive();
      if (incarnations.length > 0) return world.choices.pick(incarnations);
      await sleep(world.clock, NOBODY_ALIVE_MS);
    }
  }

  async #finish(operation: Operation, answers: readonly Answered[]): Promise<void> {
    const inOrder = answers.toSorted((a, b) => a.sequence - b.sequence);
    const best = inOrder.find(({ outcome }) => outcome === "yes") ?? inOrder.at(-1)!;
    endOperation(this.#parts.world, operation, { ...best, outcome: overall(answers) });
  }
}

interface Answered extends Answer {
  readonly owner: string;
  readonly sequence: number;
}

/** An operation certainly did not happen only if none of its attempts can have. */
function overall(answers: readonly Answer[]): Outcome {
  if (answers.some(({ outcome }) => outcome === "yes")) return "yes";
  return answers.every(({ outcome }) => outcome === "no") ? "no" : "unknown";
}
