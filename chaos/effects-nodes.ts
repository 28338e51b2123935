/** What the worker of `effects` and its parent say to each other, and what the actors remember. */
import type { SendRequest } from "spawn-mesh";

/** What the parent asks for. */
export type EffectsRequest =
  | {
      readonly type: "push";
      readonly name: string;
      readonly via: "push" | "pipe" | "forward" | "poison";
      readonly push: Push;
      readonly key: string;
    }
  /** Stores a message that no actor sends. */
  | { readonly type: "send"; readonly name: string; readonly message: SendRequest }
  | { readonly type: "cancel"; readonly id: string }
  | { readonly type: "retry"; readonly ids: readonly string[] }
  | { readonly type: "states"; readonly definition?: string; readonly names: readonly string[] }
  | { readonly type: "hush" }
  | { readonly type: "outbox" };

/** Sets a wave of messages going. */
export interface Push {
  readonly number: number;
  /** The same push makes the same choices, so that an action that runs again does the same. */
  readonly seed: number;
  /** How many more actors each message of it goes through. */
  readonly hops: number;
}

/** A call for later, as its actor receives it. */
export interface LaterCall {
  readonly id: string;
  /** The time (wall) before which it must not run. */
  readonly notBefore: number;
}

/** What an actor knows of the messages that it sent to others and received from them, by name. */
export interface NodeRecord {
  /** Waves that began here: how many, and the sum of their numbers. */
  pushed: Loose;
  /** Ordered messages sent to each: their number. */
  readonly sent: Record<string, number>;
  /** Ordered messages received from each: the number of the last one. */
  readonly received: Record<string, number>;
  /** Messages in no order sent to and received from each. */
  readonly looseSent: Record<string, Loose>;
  readonly looseReceived: Record<string, Loose>;
  /** Broadcasts, each for all listeners. */
  broadcasts: number;
  /** The ids of what was to be done outside. */
  readonly external: string[];
  /** The ids of the calls for later that ran. */
  readonly later: string[];
  /** What ran before its time. */
  early: number;
  /** What came in the wrong order, or twice. */
  readonly wrong: string[];
}

export interface Loose {
  count: number;
  sum: number;
}

export function emptyRecord(): NodeRecord {
  return {
    pushed: { count: 0, sum: 0 },
    sent: {},
    received: {},
    looseSent: {},
    looseReceived: {},
    broadcasts: 0,
    external: [],
    later: [],
    early: 0,
    wrong: [],
  };
}

/** Counts message `number` in `loose`. */
export function count(loose: Loose, number: number): void {
  loose.count++;
  loose.sum += number;
}

/** What an actor that is woken regularly knows. */
export interface TickerRecord {
  readonly ticks: number;
  readonly sent: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** What waits in the statestore when nobody sends any more. */
export interface OutboxFigures {
  /** To be delivered as soon as possible, or failed and tried again soon. */
  readonly due: number;
  /** For a time that is far away. */
  readonly later: number;
  /** Timers, and messages that come again and again. */
  readonly repeated: number;
  readonly parked: readonly ParkedNote[];
}

export interface ParkedNote {
  readonly id: string;
  readonly action: string;
  readonly target: string;
  readonly error: string;
}

export const NODES = 1_000;
export const LISTENERS: readonly string[] = ["listener0", "listener1", "listener2"];
export const CHANNEL = "news";
export const TICKERS: readonly string[] = Array.from({ length: 8 }, (_, at) => `ticker${at}`);
/** How often each of them ticks. */
export const TICK_MS = 150;
export const METRONOMES: readonly string[] = ["metronome0", "metronome1", "metronome2"];
/** How often each of them is sent a beat. */
export const BEAT_MS = 200;
/** The action that ends its process. */
export const POISON = "poison";
/** What refuses to be done outside until it is mended. */
export const GATE = "gate";
