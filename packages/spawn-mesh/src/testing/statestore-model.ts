/**
 * Random command sequences on a statestore and on a model of it, whose answers must be the same.
 *
 * The sequences are drawn from few actors, keys and owners, so that commits meet: right and stale
 * etags, repeated commits, creates of what exists, deletes, used keys, take-overs. The memory
 * statestore is the model unless another is given. Handles are a store's own and are not compared;
 * each store gets the handles that it gave.
 */
import assert from "node:assert";
import type { ActorId } from "../engine/actor-id.ts";
import type { Commit, Etag, Statestore, StoredReply, StoreHandle } from "../engine/statestore.ts";
import { memoryStatestore } from "../statestores/memory.ts";
import type { OpenStatestore } from "./statestore-cases/conformance-case.ts";

export interface StatestoreModelOptions {
  /** Opens the statestore under test, empty at the first call. */
  readonly open: OpenStatestore;
  /** Numbers from 0 (included) to 1 (excluded); the same source gives the same sequence. */
  readonly random: () => number;
  /** How many commands are run. Default 200. */
  readonly steps?: number;
  /** What the statestore is compared with. Default: a memory statestore. */
  readonly openModel?: OpenStatestore;
}

const STEPS = 200;
const ACTORS = 6;
const KEYS = ["k1", "k2", "k3", "k4"];
const OWNERS = ["session-1", "session-2", "session-3"];
const REMEMBERED_COMMITS = 30;
const TIMES = 50;
const PRUNE_LIMIT = 1000;

/** A commit without its handle: each store fills in its own. */
type CommitPlan = Omit<Commit, "handle"> & { readonly creates: boolean };

/** What is known of an actor: enough to continue it. */
interface KnownActor {
  readonly actor: ActorId;
  etag: Etag | undefined;
  revision: number;
}

/**
 * Runs one random sequence.
 *
 * @throws {AssertionError} at the first answer that differs, with the commands that led to it.
 */
export async function runStatestoreModel(options: StatestoreModelOptions): Promise<void> {
  const memory = memoryStatestore();
  const openModel: OpenStatestore =
    options.openModel ??
    (async (owner) => {
      await memory.open({ owner });
      return memory;
    });
  const run = new ModelRun(options.random, [
    new Side("the statestore", options.open),
    new Side("the model", openModel),
  ]);
  await run.open();
  try {
    for (let step = 0; step < (options.steps ?? STEPS); step++) await run.step();
    await run.compareAll();
  } finally {
    await run.close();
  }
}

/** One of the two stores that are compared, with the handles it gave. */
class Side {
  readonly name: string;
  readonly #open: OpenStatestore;
  readonly #handles = new Map<ActorId, StoreHandle>();
  #store: Statestore | undefined;

  constructor(name: string, open: OpenStatestore) {
    this.name = name;
    this.#open = open;
  }

  get store(): Statestore {
    assert(this.#store !== undefined, "the store is not open");
    return this.#store;
  }

  async open(owner: string): Promise<void> {
    this.#store = await this.#open(owner);
  }

  async close(): Promise<void> {
    await this.#store?.close();
    this.#store = undefined;
  }

  /** Which of the commits were applied. */
  async commit(plans: readonly CommitPlan[]): Promise<readonly boolean[]> {
    const handles = await this.store.commit(
      plans.map(({ creates, ...plan }) => ({
        ...plan,
        handle: creates ? undefined : this.#handles.get(plan.actor),
      })),
    );
    assert.strictEqual(handles.length, plans.length, `${this.name} left out answers`);
    for (const [index, handle] of handles.entries()) {
      const plan = plans[index];
      if (handle === undefined || plan === undefined) continue;
      const known = this.#handles.get(plan.actor);
      assert(known === undefined || known === handle, `${this.name} changed the handle of a row`);
      this.#handles.set(plan.actor, handle);
    }
    return handles.map((handle) => handle !== undefined);
  }

  /** What it says about an actor, in a form that two stores share. */
  async describe(actor: ActorId): Promise<unknown> {
    const [answer] = await this.store.load([{ actor, row: true, keys: KEYS, messages: [] }]);
    assert(answer !== undefined, `${this.name} left out an answer`);
    const revisions = await this.store.listRevisions(actor);
    const { handle, ...row } = answer.row ?? { handle: undefined };
    assert.strictEqual(handle, this.#handles.get(actor), `${this.name} loaded another handle`);
    return {
      row,
      replies: answer.replies.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
      revisions,
      kept: await Promise.all(
        revisions.map((kept) => this.store.readRevision(actor, kept.revision)),
      ),
    };
  }
}

class ModelRun {
  readonly #random: () => number;
  readonly #sides: readonly [Side, Side];
  readonly #actors: readonly KnownActor[];
  readonly #applied: CommitPlan[] = [];
  readonly #trace: string[] = [];
  #etags = 0;
  #time = 1;

  constructor(random: () => number, sides: readonly [Side, Side]) {
    this.#random = random;
    this.#sides = sides;
    this.#actors = Array.from({ length: ACTORS }, (_, index) => ({
      actor: { system: "shop", definition: "counter", name: `actor-${index}` },
      etag: undefined,
      revision: 0,
    }));
  }

  async open(): Promise<void> {
    const owner = this.#pick(OWNERS);
    this.#trace.push(`open ${owner}`);
    for (const side of this.#sides) await side.open(owner);
  }

  async close(): Promise<void> {
    for (const side of this.#sides) await side.close();
  }

  async step(): Promise<void> {
    const choice = this.#random();
    if (choice < 0.75) return this.#commit();
    if (choice < 0.9) return this.#compare(this.#pick(this.#actors).actor);
    if (choice < 0.96) return this.#prune();
    await this.close();
    return this.open();
  }

  async compareAll(): Promise<void> {
    for (const { actor } of this.#actors) await this.#compare(actor);
  }

  async #commit(): Promise<void> {
    const plans = this.#actors.filter(() => this.#chance(0.4)).map((known) => this.#plan(known));
    this.#trace.push(`commit ${JSON.stringify(plans)}`);
    const [applied] = await this.#same("which commits apply", (side) => side.commit(plans));
    for (const [index, plan] of plans.entries()) {
      if (applied[index] === true) this.#remember(plan);
    }
    for (const plan of plans) await this.#compare(plan.actor);
  }

  #plan(known: KnownActor): CommitPlan {
    const repeated = this.#applied.find((plan) => plan.actor === known.actor && this.#chance(0.1));
    if (repeated !== undefined) return repeated;
    const creates = known.etag === undefined || this.#chance(0.1);
    const isDelete = this.#chance(0.1);
    this.#time += Math.floor(this.#random() * TIMES);
    return {
      actor: known.actor,
      creates,
      previous: creates ? undefined : this.#chance(0.1) ? this.#newEtag() : known.etag,
      etag: this.#newEtag(),
      isDelete,
      revisionsKept: this.#chance(0.5) ? 0 : 1 + Math.floor(this.#random() * 3),
      replies: KEYS.filter(() => this.#chance(0.1)).map((key) => this.#reply(key)),
      consumes: [],
      sends: [],
      state: isDelete ? undefined : this.#state(),
      codec: "json",
      stateVersion: 1 + Math.floor(this.#random() * 3),
      tags: this.#chance(0.5) ? undefined : { tag: `${this.#random()}` },
      revision: known.revision + 1,
      at: this.#time,
    };
  }

  #state(): string | Uint8Array {
    const text = JSON.stringify({ value: this.#random(), text: "ü😀".repeat(this.#random() * 5) });
    return this.#chance(0.2) ? new TextEncoder().encode(text) : text;
  }

  #reply(key: string): StoredReply {
    return {
      key,
      fingerprint: `${this.#random()}`,
      kind: this.#pick(["reply", "continued", "failed"]),
      reply: this.#pick(["{}", null, undefined, '"ü"']),
      expiresAt: this.#time + Math.floor(this.#random() * TIMES),
    };
  }

  #remember(plan: CommitPlan): void {
    const known = this.#actors.find(({ actor }) => actor === plan.actor);
    assert(known !== undefined);
    known.etag = plan.etag;
    known.revision = plan.revision;
    this.#applied.push(plan);
    if (this.#applied.length > REMEMBERED_COMMITS) this.#applied.shift();
  }

  async #prune(): Promise<void> {
    this.#trace.push(`prune ${this.#time}`);
    await this.#same("how many replies are pruned", (side) =>
      side.store.prune(this.#time, PRUNE_LIMIT),
    );
    await this.compareAll();
  }

  async #compare(actor: ActorId): Promise<void> {
    await this.#same(`what is stored of ${actor.name}`, (side) => side.describe(actor));
  }

  /** Asks both sides and demands the same answer. */
  async #same<T>(what: string, ask: (side: Side) => Promise<T>): Promise<readonly [T, T]> {
    const answers: readonly [T, T] = [await ask(this.#sides[0]), await ask(this.#sides[1])];
    try {
      assert.deepStrictEqual(answers[0], answers[1]);
    } catch (cause) {
      const commands = this.#trace.slice(-5).join("\n");
      throw new assert.AssertionError({
        message: `${what} differs between the statestore and the model\n${String(cause)}\nthe last commands:\n${commands}`,
        actual: answers[0],
        expected: answers[1],
        operator: "deepStrictEqual",
      });
    }
    return answers;
  }

  #newEtag(): Etag {
    this.#etags++;
    return `${this.#etags}`.padStart(16, "\u00e9");
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(values: readonly T[]): T {
    const value = values[Math.floor(this.#random() * values.length)];
    assert(values.length > 0);
    return value as T;
  }
}
