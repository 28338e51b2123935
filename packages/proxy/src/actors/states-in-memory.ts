/**
 * The states of actors that are not stored. Their hosts expect to get back what they answered, for as
 * long as the actor is alive; then it begins anew.
 */
export class StatesInMemory {
  /** The state of an actor that begins. */
  initial = "";
  /** Whether changes are kept: several activations of a pooled actor would share one state. */
  isKept = false;
  readonly #states = new Map<string, string>();

  read(name: string): string {
    return this.#states.get(name) ?? this.initial;
  }

  write(name: string, state: string): void {
    if (this.isKept) this.#states.set(name, state);
  }

  /** The actor has left memory. */
  forget(name: string): void {
    this.#states.delete(name);
  }
}
