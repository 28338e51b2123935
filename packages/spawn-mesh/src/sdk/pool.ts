/** What a definition may say about a pool, and what it may not say when it is one. */
import { SpawnError, checkWholeNumber } from "../engine/index.ts";
import { checkOptionNames } from "../engine/option-names.ts";
import type { ActorKind, PoolSize } from "../engine/index.ts";

/** What is about a state, which a pooled actor does not have. */
const STATE_OPTIONS = [
  "state",
  "durability",
  "snapshotTimeoutMs",
  "revisionsKept",
  "revisionsKeptMs",
  "expireAfterMs",
  "index",
] as const;
type StateOption = (typeof STATE_OPTIONS)[number];

/** The options of a definition that have to do with its being pooled. */
interface Options extends Readonly<Partial<Record<StateOption, unknown>>> {
  readonly kind?: ActorKind;
  readonly pool?: Partial<PoolSize>;
}

/** Nothing when the options go with the kind; otherwise what makes the definition a type error. */
export type KindProblem<Kind extends ActorKind> = Kind extends "pooled"
  ? { readonly [Option in StateOption]?: never }
  : { readonly pool?: never };

const POOL_MIN_DEFAULT = 1;
/** Enough for actions to overlap while they wait, and few enough for a service that they all ask. */
const POOL_MAX_DEFAULT = 4;
/** The largest pool: a call looks at all of it when nobody in it is idle. */
const POOL_MAX_MOST = 256;

/**
 * The size of the pool; `undefined` unless the actor is pooled.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for a size that makes no sense, or an option that does not go with the kind
 */
export function poolOf(name: string, options: Options): PoolSize | undefined {
  const { kind, pool } = options;
  if (kind !== "pooled") {
    if (pool === undefined) return undefined;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `pool of ${name}: only a pooled actor has one; expected kind "pooled", got "${kind ?? "named"}"`,
    );
  }
  for (const option of STATE_OPTIONS) {
    if (options[option] === undefined) continue;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${option} of ${name}: a pooled actor has no state, which its instances would have to share`,
    );
  }
  return sizeOf(name, pool);
}

function sizeOf(name: string, pool: Partial<PoolSize> = {}): PoolSize {
  if (typeof pool !== "object" || pool === null) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `pool of ${name}: expected { min, max }, got ${JSON.stringify(pool)}`,
    );
  }
  checkOptionNames(`pool of ${name}`, pool, ["min", "max"]);
  const { min = POOL_MIN_DEFAULT } = pool;
  checkWholeNumber(`pool.min of ${name}`, min, { min: 0, max: POOL_MAX_MOST });
  const { max = Math.max(POOL_MAX_DEFAULT, min) } = pool;
  checkWholeNumber(`pool.max of ${name}`, max, { min: Math.max(1, min), max: POOL_MAX_MOST });
  return Object.freeze({ min, max });
}
