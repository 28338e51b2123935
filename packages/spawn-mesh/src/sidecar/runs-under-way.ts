/** How many runs are going on here, for whoever stops and lets them come to an end. */
export class RunsUnderWay {
  #count = 0;
  #onIdle: (() => void) | undefined;

  /** Counts a run for as long as it takes. */
  async during<Value>(run: () => Promise<Value>): Promise<Value> {
    this.#count++;
    try {
      return await run();
    } finally {
      this.#count--;
      if (this.#count === 0) this.#onIdle?.();
    }
  }

  /** Resolves when none is going on any more, and after so long in any case. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
