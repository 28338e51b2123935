/**
 * Random command sequences on a statestore and on a model of it, whose answers must be the same.
 *
 * The sequences are drawn from few actors, keys, owners and messages, so that commits meet: right and
 * stale etags, repeated commits, creates of what exists, deletes, used keys, take-overs, messages that
 * are stored, parked or gone. The memory statestore is the model unless another is given. Handles are a
 * store's own and are not compared; each store gets the handles that it gave.
 */
import assert from "node:assert";
import type { ActorId } from "../engine/actor-id.ts";
import { indexEntries, type IndexedValue, type IndexEntry } from "../engine/values/index-values.ts";
import type { Etag, StoredReply } from "../engine/statestore.ts";
import { memoryStatestore } from "../statestores/memory/index.ts";
import type { OpenStatestore } from "./statestore-cases/conformance-case.ts";
import { findAll, is, within } from "./statestore-cases/query-fixtures.ts";
import { Choices } from "./statestore-model/choices.ts";
import { MessageCommands } from "./statestore-model/message-commands.ts";
import { type CommitPlan, Side, Sides } from "./statestore-model/sides.ts";

/** What is compared with the model, and for how long. */
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
const INDEXED: readonly (IndexedValue | null)[] = [null, 1, 2, "1", "", "b", true, false];

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
  const sides = new Sides([
    new Side("the statestore", options.open),
    new Side("the model", openModel),
  ]);
  const run = new ModelRun(new Choices(options.random), sides);
  await run.open();
  try {
    for (let step = 0; step < (options.steps ?? STEPS); step++) await run.step();
    await run.compareAll();
  } finally {
    await sides.close();
  }
}

class ModelRun {
  readonly #choices: Choices;
  readonly #sides: Sides;
  readonly #messages: MessageCommands;
  readonly #actors: readonly KnownActor[];
  readonly #applied: CommitPlan[] = [];
  #etags = 0;
  #time = 1;

  constructor(choices: Choices, sides: Sides) {
    this.#choices = choices;
    this.#sides = sides;
    this.#actors = Array.from({ length: ACTORS }, (_, index) => ({
      actor: { system: "shop", definition: "counter", name: `actor-${index}` },
      etag: undefined,
      revision: 0,
    }));
    const actors = this.#actors.map(({ actor }) => actor);
    this.#messages = new MessageCommands(choices, sides, actors);
  }

  async open(): Promise<void> {
    await this.#sides.open(this.#choices.pick(OWNERS));
  }

  async step(): Promise<void> {
    const choice = this.#choices.random();
    if (choice < 0.4) return this.#commit();
    if (choice < 0.9) return this.#messages.step();
    if (choice < 0.96) return this.#prune();
    await this.#sides.close();
    return this.open();
  }

  async compareAll(): Promise<void> {
    for (const { actor } of this.#actors) await this.#compare(actor);
    await this.#messages.compare();
    await this.#compareFound();
  }

  /** Who is found by a value, by a range, by the time of the last commit, and among those that are gone. */
  async #compareFound(): Promise<void> {
    const questions = [
      { where: [is("a", this.#choices.pick(INDEXED) ?? 0)] },
      { where: [within("b", { from: 1 }), is("a", 2)] },
      { where: [within("b", { from: "", below: "b" })] },
      { changedAfter: this.#time - this.#choices.whole(TIMES * 2) },
      { isDeleted: true },
    ];
    for (const asked of questions) {
      const fields = { ...asked, limit: 1 + this.#choices.whole(3) };
      await this.#sides.same("who is found", async (side) =>
        (await findAll(side.store, fields)).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      );
    }
  }

  async #commit(): Promise<void> {
    const plans = this.#actors.filter(() => this.#chance(0.4)).map((known) => this.#plan(known));
    this.#sides.note("commit", plans);
    const applied = await this.#sides.same("which commits apply", (side) => side.commit(plans));
    for (const [index, plan] of plans.entries()) {
      if (applied[index] === true) this.#remember(plan);
    }
    for (const plan of plans) await this.#compare(plan.actor);
    await this.#compareFound();
    await this.#messages.compare();
  }

  #plan(known: KnownActor): CommitPlan {
    const repeated = this.#applied.find((plan) => plan.actor === known.actor && this.#chance(0.1));
    if (repeated !== undefined) return repeated;
    const creates = known.etag === undefined || this.#chance(0.1);
    const isDelete = this.#chance(0.1);
    this.#time += this.#choices.whole(TIMES);
    return {
      actor: known.actor,
      creates,
      previous: creates ? undefined : this.#chance(0.1) ? this.#newEtag() : known.etag,
      etag: this.#newEtag(),
      isDelete,
      revisionsKept: this.#chance(0.5) ? 0 : 1 + this.#choices.whole(3),
      ...(this.#chance(0.3) && { revisionsSince: this.#time - this.#choices.whole(TIMES * 3) }),
      ...(!isDelete && this.#chance(0.4) && { index: this.#index() }),
      replies: KEYS.filter(() => this.#chance(0.1)).map((key) => this.#reply(key)),
      consumes: this.#chance(0.3) ? this.#messages.consumes() : [],
      cancels: this.#chance(0.2) ? this.#messages.cancels() : [],
      sends: this.#chance(0.4) ? this.#messages.sends(known.actor) : [],
      state: isDelete ? undefined : this.#state(),
      codec: "json",
      stateVersion: 1 + this.#choices.whole(3),
      tags: this.#chance(0.5) ? undefined : { tag: `${this.#choices.random()}` },
      revision: known.revision + 1,
      at: this.#time,
    };
  }

  #index(): readonly IndexEntry[] {
    const value = (): IndexedValue | null => this.#choices.pick(INDEXED);
    return indexEntries({ a: value(), b: value() });
  }

  #state(): string | Uint8Array {
    const text = JSON.stringify({
      value: this.#choices.random(),
      text: "ü😀".repeat(this.#choices.random() * 5),
    });
    return this.#chance(0.2) ? new TextEncoder().encode(text) : text;
  }

  #reply(key: string): StoredReply {
    return {
      key,
      fingerprint: `${this.#choices.random()}`,
      kind: this.#choices.pick(["reply", "continued", "failed"]),
      reply: this.#choices.pick(["{}", null, undefined, '"ü"']),
      expiresAt: this.#time + this.#choices.whole(TIMES),
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
    this.#sides.note("prune", this.#time);
    await this.#sides.same("how many replies are pruned", (side) =>
      side.store.prune(this.#time, PRUNE_LIMIT),
    );
    await this.compareAll();
  }

  async #compare(actor: ActorId): Promise<void> {
    await this.#sides.same(`what is stored of ${actor.name}`, (side) => side.describe(actor, KEYS));
  }

  #newEtag(): Etag {
    this.#etags++;
    return `${this.#etags}`.padStart(16, "\u00e9");
  }

  #chance(probability: number): boolean {
    return this.#choices.chance(probability);
  }
}
