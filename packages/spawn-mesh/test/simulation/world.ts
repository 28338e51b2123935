import type { Random } from "../../src/engine/clock.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { Choices } from "./choices.ts";
import type { PostPayload } from "./posts.ts";
import type { Cancellable } from "./draw-post.ts";
import type {
  AppliedCommit,
  Attempt,
  Look,
  MessageEvent,
  MessageRun,
  Operation,
  Peak,
  Recollection,
  Restoring,
  SessionEvent,
  Sighting,
  Violation,
} from "./run-log.ts";

const TRACE_LINES_MAX = 20_000;

/** What everything in one run shares: time, chance, and the record of what happened. */
export class World {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly choices: Choices;
  readonly counts = new Map<string, number>();
  readonly operations: Operation[] = [];
  readonly attempts: Attempt[] = [];
  readonly applied: AppliedCommit[] = [];
  readonly sessions: SessionEvent[] = [];
  readonly sightings: Sighting[] = [];
  readonly messages: MessageEvent[] = [];
  readonly runs: MessageRun[] = [];
  /** What clients told actors to do, by value. */
  readonly asked = new Map<string, PostPayload>();
  /** The ids of messages that somebody wanted to cancel. */
  readonly cancelled = new Set<string>();
  /** The ids of messages whose senders were told that they are stored. */
  readonly acknowledged = new Set<string>();
  /** What was done outside, by value: the ids that it was asked for with, and when it was done first. */
  readonly outside = new Map<string, { readonly ids: Set<string>; doneAt: number | undefined }>();
  /** Messages that actors were told to send and may be told to cancel. */
  readonly cancellable: Cancellable[] = [];
  /** Lists that were deleted because they were found, as of that revision. */
  readonly purged: { actor: string; revision: number }[] = [];
  readonly restored: Restoring[] = [];
  /** The looks for actors whose time is over. */
  readonly looks: Look[] = [];
  readonly recollections: Recollection[] = [];
  /** Hears that somebody begins to look, and that what is found will be deleted. */
  onLook: () => void = () => undefined;
  /** How many restore something now, or ask for what was, and load it past the loads of calls. */
  restoring = 0;
  recollecting = 0;
  /** How many messages come again and again, and how many never succeed. */
  readonly drawn = { repeated: 0, hopeless: 0 };
  readonly unloaded: string[] = [];
  readonly pauses: { owner: string; from: number; until: number }[] = [];
  /** When a value was put into the list of an actor, committed or not, and by which incarnations. */
  readonly made = new Map<string, { at: number; readonly by: Set<string> }>();
  /** The calls whose actions ran. */
  readonly executed = new Set<number>();
  /** What is wrong in itself, whatever the checkers say: an error without a type, for example. */
  readonly violations: Violation[] = [];
  /** When the wall clock was set back. */
  readonly setBacks: number[] = [];
  #wallAheadMs = 0;
  readonly #peaks = new Map<string, Peak>();
  readonly #trace: string[] = [];
  #hash = 0x811c9dc5;
  #sequence = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.choices = new Choices(this.random);
  }

  /** What the clock on the wall shows, in milliseconds since 1970. */
  wall(): number {
    return this.clock.wall() + this.#wallAheadMs;
  }

  /** Sets the clock on the wall to so much later than it would show by itself. */
  setWall(aheadMs: number): void {
    if (aheadMs < this.#wallAheadMs) this.setBacks.push(this.next());
    this.#wallAheadMs = aheadMs;
  }

  /** The next number of the one sequence in which everything happens. */
  next(): number {
    return ++this.#sequence;
  }

  /** Writes a line to the trace. Two runs of a seed are the same if their traces are. */
  note(line: string): void {
    let hash = Math.imul(this.#hash ^ Math.floor(this.clock.monotonic() * 1_000), 0x01000193);
    for (let index = 0; index < line.length; index++) {
      hash = Math.imul(hash ^ line.charCodeAt(index), 0x01000193);
    }
    this.#hash = hash;
    this.#trace.push(`${this.clock.monotonic().toFixed(1).padStart(9)}  ${line}`);
    if (this.#trace.length >= 2 * TRACE_LINES_MAX) this.#trace.splice(0, TRACE_LINES_MAX);
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  /** Remembers the most of something that has a limit. */
  peak(what: string, limit: number, size: number): void {
    const known = this.#peaks.get(what);
    if (known === undefined || size > known.peak)
      this.#peaks.set(what, { what, limit, peak: size });
  }

  get peaks(): readonly Peak[] {
    return [...this.#peaks.values()];
  }

  get traceHash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** The last lines of the trace. */
  get trace(): readonly string[] {
    return this.#trace.slice(-TRACE_LINES_MAX);
  }
}
