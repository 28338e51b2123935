/** What an action returns when it wants more than to answer: its reply and what else is to be done. */
import type { ActionContext } from "../activations/action-context.ts";

/** A reply with things to do; each is what a method of the context does. */
export class ActionReply {
  readonly value: unknown;
  readonly #deeds: ((context: ActionContext) => void)[] = [];

  constructor(value: unknown) {
    this.value = value;
  }

  /** Adds something to do. */
  also(deed: (context: ActionContext) => void): this {
    this.#deeds.push(deed);
    return this;
  }

  /** The same to do, with another value. */
  with(value: unknown): ActionReply {
    const other = new ActionReply(value);
    other.#deeds.push(...this.#deeds);
    return other;
  }

  /** Does it all. */
  applyTo(context: ActionContext): void {
    for (const deed of this.#deeds) deed(context);
  }
}
