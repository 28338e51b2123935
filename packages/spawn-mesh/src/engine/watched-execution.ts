/** An execution that has something to wait for: it falls due, and is watched while it waits. */
import type { EngineParts } from "./actor-type.ts";
import { Execution } from "./execution.ts";
import type { Watched } from "./watch.ts";

/** A layer of {@link Activation}: it knows when time has to be looked at next, and not what for. */
export abstract class WatchedExecution extends Execution implements Watched {
  abstract override readonly parts: EngineParts;
  #isWatched = false;
  /** Whole milliseconds, which take no memory of their own; `undefined` for never. */
  #dueAt: number | undefined;

  abstract onDue(now: number): void;

  get dueAt(): number {
    return this.#dueAt ?? Infinity;
  }

  /** Moves the time, also to a later one. */
  protected becomeDueAt(time: number): void {
    this.#dueAt = time === Infinity ? undefined : Math.ceil(time);
  }

  /** It is due at `time`, if it is not sooner. */
  protected isDueBy(time: number): void {
    if (time >= this.dueAt) return;
    this.becomeDueAt(time);
    if (this.#isWatched) this.parts.watch.sooner(time);
  }

  /** There is something to wait for. */
  protected watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.parts.watch.add(this);
  }

  /** There is nothing more to wait for. */
  protected unwatch(): void {
    this.#dueAt = undefined;
    if (!this.#isWatched) return;
    this.#isWatched = false;
    this.parts.watch.delete(this);
  }
}
