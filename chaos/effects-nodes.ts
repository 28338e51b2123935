/** What the worker of `effects` and its parent say to each other. */

/** What the parent asks for. */
export type EffectsRequest =
  | { readonly type: "push"; readonly name: string; readonly push: Push; readonly key: string }
  | { readonly type: "record"; readonly names: readonly string[] }
  | { readonly type: "hush" }
  | { readonly type: "tickers" }
  | { readonly type: "outbox" };

/** Sets a wave of messages going. */
export interface Push {
  /** The same push makes the same choices, so that an action that runs again does the same. */
  readonly seed: number;
  /** How many more actors each message of it goes through. */
  readonly hops: number;
}

/** What an actor knows of the messages that it sent to others and received from them, by name. */
export interface NodeRecord {
  /** Ordered messages sent to each: their number. */
  readonly sent: Record<string, number>;
  /** Ordered messages received from each: the number of the last one. */
  readonly received: Record<string, number>;
  /** Messages in no order sent to and received from each: how many, and the sum of their numbers. */
  readonly looseSent: Record<string, Loose>;
  readonly looseReceived: Record<string, Loose>;
  /** Things done outside, asked for. */
  external: number;
  /** What came in the wrong order, or twice. */
  readonly wrong: string[];
}

export interface Loose {
  count: number;
  sum: number;
}

/** What waits in the statestore when nobody sends any more. */
export interface OutboxFigures {
  /** Due, and no timer. */
  readonly due: number;
  readonly timers: number;
  readonly parked: readonly string[];
}

export const NODES = 1_000;
export const TICKERS = 8;
/** How often each of them ticks. */
export const TICK_MS = 150;
