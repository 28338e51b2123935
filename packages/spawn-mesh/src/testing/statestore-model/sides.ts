/** The two statestores that a model run compares. */
import assert from "node:assert";
import type { ActorId } from "../../engine/actor-id.ts";
import type { ParkedMessage, StoredMessage } from "../../engine/message-store.ts";
import type { Commit, Statestore, StoreHandle } from "../../engine/statestore.ts";
import type { OpenStatestore } from "../statestore-cases/conformance-case.ts";

/** A commit without its handle: each store fills in its own. */
export type CommitPlan = Omit<Commit, "handle"> & { readonly creates: boolean };

/** All that a store has of messages. */
interface DescribedMessages {
  readonly waiting: readonly StoredMessage[];
  readonly parked: readonly ParkedMessage[];
  readonly nextDueAt: number | undefined;
  readonly loaded: readonly StoredMessage[];
}

const COMMANDS_SHOWN = 5;
const PAGE = 1000;

/** One of them, with the handles that it gave. */
export class Side {
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
  async describe(actor: ActorId, keys: readonly string[]): Promise<unknown> {
    const [answer] = await this.store.load([{ actor, row: true, keys, messages: [] }]);
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

  /** All its messages, with what a load says about those with `ids`. */
  async describeMessages(actor: ActorId, ids: readonly string[]): Promise<DescribedMessages> {
    const { messages } = this.store;
    const [answer] = await this.store.load([{ actor, row: false, keys: [], messages: ids }]);
    return {
      waiting: await messages.list({ limit: PAGE }),
      parked: await messages.listParked({ limit: PAGE }),
      nextDueAt: await messages.nextDueAt(),
      loaded: (answer?.messages ?? []).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    };
  }
}

/** Both of them, and the commands that they were given. */
export class Sides {
  readonly #sides: readonly [Side, Side];
  readonly #trace: string[] = [];

  constructor(sides: readonly [Side, Side]) {
    this.#sides = sides;
  }

  async open(owner: string): Promise<void> {
    this.note("open", owner);
    for (const side of this.#sides) await side.open(owner);
  }

  async close(): Promise<void> {
    for (const side of this.#sides) await side.close();
  }

  /** Remembers a command, to be shown when an answer differs. */
  note(command: string, input: unknown): void {
    this.#trace.push(`${command} ${JSON.stringify(input)}`);
  }

  /** Asks both, demands the same answer, and gives it. */
  async same<T>(what: string, ask: (side: Side) => Promise<T>): Promise<T> {
    const actual = await ask(this.#sides[0]);
    const expected = await ask(this.#sides[1]);
    try {
      assert.deepStrictEqual(actual, expected);
    } catch (cause) {
      const commands = this.#trace.slice(-COMMANDS_SHOWN).join("\n");
      throw new assert.AssertionError({
        message: `${what} differs between the statestore and the model\n${String(cause)}\nthe last commands:\n${commands}`,
        actual,
        expected,
        operator: "deepStrictEqual",
      });
    }
    return expected;
  }
}
