/**
 * Which registered actor an instance was spawned from, for callers that name only the instance. It
 * survives restarts of the proxy.
 */
import type { Records } from "./records.ts";

/** Names that are remembered without asking again. */
const KNOWN_MAX = 100_000;

export class SpawnedInstances {
  readonly #records: Records<string>;
  readonly #known = new Map<string, string>();

  constructor(records: Records<string>) {
    this.#records = records;
  }

  /** What is known without asking. */
  known(name: string): string | undefined {
    return this.#known.get(name);
  }

  /** Remembers that `name` is an instance of `parent`; resolves when that is stored. */
  async remember(name: string, parent: string): Promise<void> {
    if (this.#known.get(name) === parent) return;
    await this.#records.put(name, parent);
    this.#know(name, parent);
  }

  /** The registered actor that `name` was spawned from; `undefined` if it never was. */
  async recall(name: string): Promise<string | undefined> {
    const parent = await this.#records.get(name);
    if (parent !== undefined) this.#know(name, parent);
    return parent;
  }

  #know(name: string, parent: string): void {
    this.#known.delete(name);
    this.#known.set(name, parent);
    if (this.#known.size <= KNOWN_MAX) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest!);
  }
}
