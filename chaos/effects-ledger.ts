/** What the parent of `effects` asked for, and what has to be true because of that. */
import { count } from "./effects-nodes.ts";
import type { Loose } from "./effects-nodes.ts";

/** How often a call for later has to have run: `maybe` at most once, because its process was killed over it. */
export type LaterOutcome = "once" | "never" | "maybe";

export class EffectsLedger {
  /** Waves that began at each actor, because somebody was told so. */
  readonly pushed = new Map<string, Loose>();
  /** Calls for later, by id. */
  readonly later = new Map<string, LaterOutcome>();
  /** The numbers of the replies that were another one when the same call was repeated. */
  readonly contradictions = new Set<number>();
  /** Reads that did not show what was acknowledged before them. */
  stale = 0;
  /** Calls that were refused and should not have been. */
  refused = 0;
  /** How many waves were asked for, and how many were acknowledged. */
  pushes = 0;
  acknowledged = 0;
  /** How often an acknowledged call was made again. */
  repeated = 0;

  acknowledge(name: string, number: number): void {
    this.acknowledged++;
    const pushed = this.pushed.get(name) ?? { count: 0, sum: 0 };
    count(pushed, number);
    this.pushed.set(name, pushed);
  }
}
