/**
 * Which registered actor an instance was spawned from, for callers that name only the instance.
 *
 * It is kept by actors of the engine itself, one for each name, so that it survives restarts of the proxy
 * and is there on every node that has the statestore.
 */
import { jsonCodec } from "spawn-mesh/engine";
import type { ActionDefinition, ActorDefinition, ActorType, Engine } from "spawn-mesh/engine";

/** No registered actor has this name: a host's actors are named by its own words. */
const SPAWNED = "<spawned>";

/** Names that are remembered without asking again. */
const KNOWN_MAX = 100_000;

interface SpawnedState {
  parent: string | null;
}

const remember: ActionDefinition = {
  name: "remember",
  isRead: false,
  parse: undefined,
  run(context, parent) {
    (context.state as SpawnedState).parent = parent as string;
  },
};

const recall: ActionDefinition = {
  name: "recall",
  isRead: true,
  parse: undefined,
  run: (context) => (context.state as SpawnedState).parent,
};

/** What the engine has to define for {@link SpawnedInstances}. */
export const spawnedDefinition: ActorDefinition = {
  name: SPAWNED,
  kind: "unnamed",
  state: {
    codec: jsonCodec,
    version: 1,
    initial: (): SpawnedState => ({ parent: null }),
    migrate: (stored) => stored,
  },
  durability: "durable",
  deactivateTimeoutMs: 1_000,
  snapshotTimeoutMs: 2_000,
  revisionsKept: 0,
  init: undefined,
  actions: new Map([remember, recall].map((action) => [action.name, action])),
  channels: new Map(),
  timers: [],
  isStrict: false,
};

export class SpawnedInstances {
  readonly #engine: Engine;
  readonly #type: ActorType;
  readonly #known = new Map<string, string>();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#type = engine.type(SPAWNED);
  }

  /** What is known without asking. */
  known(name: string): string | undefined {
    return this.#known.get(name);
  }

  /** Remembers that `name` is an instance of `parent`; resolves when that is stored. */
  async remember(name: string, parent: string): Promise<void> {
    if (this.#known.get(name) === parent) return;
    await this.#engine.call({ type: this.#type, name, action: remember, payload: parent });
    this.#know(name, parent);
  }

  /** The registered actor that `name` was spawned from; `undefined` if it never was. */
  async recall(name: string): Promise<string | undefined> {
    const call = { type: this.#type, name, action: recall, payload: undefined };
    const parent = (await this.#engine.call(call)) as string | null;
    if (parent === null) return undefined;
    this.#know(name, parent);
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
