/**
 * The actors of the simulation: lists that calls append to, and everything that user code does
 * wrong. What an action that fails has written must never be seen again, so it always writes first.
 */
import type { ActionDefinition, ActorDefinition } from "../../src/engine/actor-definition.ts";
import { sleep } from "../../src/engine/clock.ts";
import type { Clock } from "../../src/engine/clock.ts";
import { fail } from "../../src/engine/failure.ts";
import type { ActionContext } from "../../src/engine/activations/action-context.ts";
import type { Run } from "../../src/engine/activations/run.ts";
import { jsonCodec } from "../../src/engine/state-codec.ts";
import { POISON } from "./database.ts";
import { beginOperation, endOperation } from "./operations.ts";
import { postDefinitions } from "./post-definitions.ts";
import type { Incarnation, Surroundings } from "./incarnation.ts";

/** How the code of an action behaves. */
export const badModes = [
  "throw",
  "fail",
  "garbage",
  "garbage-state",
  "hang",
  "reject",
  "poison",
] as const;
export type Mode = "plain" | "replace" | "slow" | (typeof badModes)[number];

export interface AppendPayload {
  readonly value: string;
  readonly mode: Mode;
  /** How long slow and hanging code takes. */
  readonly ms: number;
  /** The number of the call, if it is made once only. */
  readonly call?: number;
  /** What the calling action had seen in its own list. */
  readonly seen?: { readonly actor: string; readonly value: string };
}

interface RelayPayload {
  readonly value: string;
  /** The list that is appended to on the way. */
  readonly through: string;
}

interface ListState {
  items: unknown[];
}

export interface DefinitionParts extends Surroundings {
  readonly clock: Clock;
  readonly incarnation: Incarnation;
}

const READ_COPY_MAX = 10_000;
/** More than there can be in the time for which they are kept. */
const REVISIONS_KEPT_MAX = 1_000;

export function definitionsOf(parts: DefinitionParts): readonly ActorDefinition[] {
  const { profile } = parts;
  const common = {
    kind: "unnamed",
    state: {
      version: 1,
      initial: () => ({ items: [] }),
      codec: jsonCodec,
      migrate: (stored: unknown) => stored,
    },
    durability: "durable",
    deactivateTimeoutMs: profile.deactivateTimeoutMs,
    snapshotTimeoutMs: profile.snapshotTimeoutMs,
    revisionsKept: profile.revisionsKeptMs === undefined ? 3 : REVISIONS_KEPT_MAX,
    revisionsKeptMs: profile.revisionsKeptMs,
    init: undefined,
    actions: actionsOf(parts),
    index: (state: unknown) => indexOfList((state as ListState).items),
    channels: new Map(),
    timers: [],
    isStrict: profile.isStrict,
  } as const satisfies Omit<ActorDefinition, "name">;
  return [
    { ...common, name: "list", init: profile.hasInit ? initOf(parts) : undefined },
    { ...common, name: "deletable" },
    { ...common, name: "fleeting", expireAfterMs: profile.expireAfterMs },
    { ...common, name: "write-behind", durability: "write-behind" },
    { ...common, name: "foreign" },
    ...postDefinitions(parts, common),
  ];
}

/** What lists are found by: it changes with some commits and stays with others. */
export function indexOfList(items: readonly unknown[]): Readonly<Record<string, unknown>> {
  return { thirds: Math.floor(items.length / 3), isLong: items.length > 5 || null };
}

function initOf({ world, clock }: DefinitionParts): ActorDefinition["init"] {
  return (context) => {
    const { items } = context.state as ListState;
    if (world.choices.chance(0.1)) throw new Error("init is in a bad mood");
    return world.choices.chance(0.3) ? sleep(clock, items.length % 7) : undefined;
  };
}

function actionsOf(parts: DefinitionParts): ReadonlyMap<string, ActionDefinition> {
  const actions: readonly ActionDefinition[] = [
    {
      name: "append",
      isRead: false,
      parse: undefined,
      run: (context, payload) => append(parts, context, payload as AppendPayload),
    },
    {
      name: "relay",
      isRead: false,
      parse: undefined,
      run: (context, payload) => relay(parts, context, payload as RelayPayload),
    },
    {
      name: "read",
      isRead: true,
      parse: undefined,
      run: (context) => (context.state as ListState).items.slice(0, READ_COPY_MAX),
    },
  ];
  return new Map(actions.map((action) => [action.name, action]));
}

function append(parts: DefinitionParts, context: ActionContext, payload: AppendPayload): unknown {
  const { world, clock, incarnation } = parts;
  const { value, mode, ms, seen, call } = payload;
  world.count(`code ${mode}`);
  if (call !== undefined) {
    if (world.executed.has(call)) world.count("executed again");
    world.executed.add(call);
  }
  if (seen !== undefined) world.sightings.push({ sequence: world.next(), ...seen });
  const state = context.state as ListState;
  const made = (): void => {
    if ((context as Run).isRevoked) return;
    const { definition, name } = context.self;
    const key = `${definition}/${name} ${value}`;
    const by = world.made.get(key)?.by ?? new Set();
    world.made.set(key, { at: clock.monotonic(), by: by.add(incarnation.label) });
  };
  const push = (): number => {
    made();
    return state.items.push(value);
  };
  switch (mode) {
    case "plain":
      return push();
    case "replace":
      made();
      context.state = { items: [...state.items, value] };
      return state.items.length + 1;
    case "slow":
      return sleep(clock, ms).then(push);
    case "throw":
      push();
      throw new Error("the action failed");
    case "fail":
      push();
      return fail("closed", { value });
    case "reject":
      push();
      return sleep(clock, ms % 5).then(() => Promise.reject(new Error("the action failed late")));
    case "garbage":
      push();
      return () => value;
    case "garbage-state":
      push();
      state.items.push(10n);
      return 0;
    case "poison":
      return state.items.push(`${value} ${POISON}`);
    case "hang":
      return hang(clock, context, { state, value, ms });
  }
}

/** Goes on long after everybody gave it up, with whatever it still holds. */
async function hang(
  clock: Clock,
  context: ActionContext,
  held: { readonly state: ListState; readonly value: string; readonly ms: number },
): Promise<never> {
  const { state, value, ms } = held;
  state.items.push(value);
  await sleep(clock, ms);
  state.items.push(`${value} late`);
  (context.state as ListState).items.push(`${value} later`);
  throw new Error("the action came to nothing");
}

async function relay(
  parts: DefinitionParts,
  context: ActionContext,
  payload: RelayPayload,
): Promise<number> {
  const { world, incarnation } = parts;
  const { items } = context.state as ListState;
  const last = items.at(-1) as string | undefined;
  world.count("code relay");
  const value = `${payload.value}/${world.next()}`;
  const inner = beginOperation(world, {
    role: "list",
    name: payload.through,
    kind: "append",
    value,
  });
  const through: AppendPayload = {
    value,
    mode: "plain",
    ms: 0,
    ...(last === undefined ? {} : { seen: { actor: `list/${context.self.name}`, value: last } }),
  };
  const call = context.invoke(payload.through, {
    definition: "list",
    action: "append",
    payload: through,
  });
  const answer = await incarnation.hear(inner, call);
  endOperation(world, inner, { ...answer, owner: incarnation.label, sequence: world.next() });
  if (answer.outcome !== "yes") throw new Error(`the call on the way failed: ${answer.code}`);
  return items.push(payload.value);
}
