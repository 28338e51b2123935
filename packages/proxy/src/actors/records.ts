/**
 * Small records that the proxy keeps for itself. Each is an actor of the engine, so that they are stored,
 * encrypted and carried from one statestore to another with everything else, without tables of their own.
 */
import { jsonCodec } from "spawn-mesh/engine";
import type {
  ActionDefinition,
  ActorDefinition,
  ActorType,
  Engine,
  Statestore,
} from "spawn-mesh/engine";

/** The kinds of records. No registered actor has such a name: see `checkActorName`. */
const RECORDS = ["<spawned>", "<registered>", "<externals>", "<systems>"] as const;

type RecordKind = (typeof RECORDS)[number];

interface RecordState {
  value: unknown;
}

const put: ActionDefinition = {
  name: "put",
  isRead: false,
  parse: undefined,
  run(context, value) {
    (context.state as RecordState).value = value;
  },
};

const get: ActionDefinition = {
  name: "get",
  isRead: true,
  parse: undefined,
  run: (context) => (context.state as RecordState).value,
};

/** What the engine has to define for {@link Records}. */
export const recordDefinitions: readonly ActorDefinition[] = RECORDS.map((name) => ({
  name,
  kind: "unnamed",
  state: {
    codec: jsonCodec,
    version: 1,
    initial: (): RecordState => ({ value: null }),
    migrate: (stored) => stored,
  },
  durability: "durable",
  deactivateTimeoutMs: 1_000,
  snapshotTimeoutMs: 2_000,
  revisionsKept: 0,
  init: undefined,
  actions: new Map([put, get].map((action) => [action.name, action])),
  channels: new Map(),
  timers: [],
  isStrict: false,
}));

/** Names of one page, when all are listed. */
const PAGE = 1_000;

/** The records of one kind, by name. A value is a JSON value other than `null`. */
export class Records<Value> {
  readonly #engine: Engine;
  readonly #store: Statestore;
  readonly #type: ActorType;

  constructor(engine: Engine, store: Statestore, kind: RecordKind) {
    this.#engine = engine;
    this.#store = store;
    this.#type = engine.type(kind);
  }

  /** Resolves when it is stored; nothing is written when it was there before. */
  async put(name: string, value: Value): Promise<void> {
    await this.#engine.call({ type: this.#type, name, action: put, payload: value });
  }

  async get(name: string): Promise<Value | undefined> {
    const call = { type: this.#type, name, action: get, payload: undefined };
    return ((await this.#engine.call(call)) as Value | null) ?? undefined;
  }

  async remove(name: string): Promise<void> {
    await this.#engine.stored(this.#type, name).delete();
  }

  /** The names of all records. */
  async names(): Promise<readonly string[]> {
    const all: string[] = [];
    const { system } = this.#engine;
    const definition = this.#type.definition.name;
    for (;;) {
      const after = all.at(-1);
      const page = await this.#store.listActors({ system, definition, after, limit: PAGE });
      all.push(...page);
      if (page.length < PAGE) return all;
    }
  }
}
