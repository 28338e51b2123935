/**
 * The calls of `kill9`: appends to lists and increments of counters, with and without idempotency
 * keys, reads of both, and actions that change the state and then throw.
 *
 * A list is left alone when it is long enough and a new one takes its place, so that rows are made,
 * changed, and loaded again, and states stay small.
 */
import type { Random } from "spawn-mesh";
import type { Operation } from "./history-checker.ts";
import type { ActorCall } from "./kill9-worker.ts";

/** The actors called at one time. */
const LISTS = 24;
const COUNTERS = 8;
/** Appends to one list, about. */
const LIST_LENGTH_MAX = 120;

/** What is done how often, in percent. */
const shares = [
  [40, "append", true],
  [20, "append", false],
  [4, "appendAndThrow", false],
  [11, "elements", false],
  [12, "increment", true],
  [8, "increment", false],
  [5, "total", false],
] as const;

const deck = shares.flatMap(([share, action, isKeyed]) =>
  Array<readonly [typeof action, boolean]>(share).fill([action, isKeyed]),
);

/** An actor with all that it was asked. */
export interface CalledActor {
  readonly definition: ActorCall["definition"];
  readonly name: string;
  readonly operations: Operation[];
}

export interface PlannedCall {
  readonly actor: CalledActor;
  readonly call: ActorCall;
  readonly element: number | undefined;
}

export class CallPlan {
  readonly actors: CalledActor[] = [];
  readonly #random: Random;
  readonly #lists: CalledActor[];
  readonly #counters: readonly CalledActor[];
  /** Appends that were planned to each list. */
  readonly #appends = new Map<CalledActor, number>();
  #lastElement = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#lists = Array.from({ length: LISTS }, () => this.#newActor("list"));
    this.#counters = Array.from({ length: COUNTERS }, () => this.#newActor("counter"));
  }

  next(): PlannedCall {
    const [action, isKeyed] = this.#pick(deck);
    if (action === "elements") return this.#read(this.#pick(this.#lists), action);
    if (action === "total") return this.#read(this.#pick(this.#counters), action);
    const element = ++this.#lastElement;
    const key = isKeyed ? `call-${element}` : undefined;
    if (action === "increment") {
      const actor = this.#counterFor(isKeyed);
      return { actor, element, call: { ...idOf(actor), action, key } };
    }
    const actor = this.#listForAppend();
    return { actor, element, call: { ...idOf(actor), action, payload: element, key } };
  }

  #read(actor: CalledActor, action: string): PlannedCall {
    return { actor, element: undefined, call: { ...idOf(actor), action } };
  }

  /** Every other counter is called with keys only: a sum hides unknown calls, there are none in it. */
  #counterFor(isKeyed: boolean): CalledActor {
    return this.#pick(this.#counters.filter((_, at) => isKeyed || at % 2 === 0));
  }

  #listForAppend(): CalledActor {
    const list = this.#pick(this.#lists);
    const appends = (this.#appends.get(list) ?? 0) + 1;
    this.#appends.set(list, appends);
    if (appends >= LIST_LENGTH_MAX) {
      this.#lists[this.#lists.indexOf(list)] = this.#newActor("list");
    }
    return list;
  }

  #pick<Choice>(choices: readonly Choice[]): Choice {
    return choices[Math.floor(this.#random.fraction() * choices.length)]!;
  }

  #newActor(definition: CalledActor["definition"]): CalledActor {
    const actor = { definition, name: `${definition}-${this.actors.length}`, operations: [] };
    this.actors.push(actor);
    return actor;
  }
}

function idOf({ definition, name }: CalledActor): Pick<ActorCall, "definition" | "name"> {
  return { definition, name };
}
