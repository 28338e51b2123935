/**
 * Makes the entries of declared indexes anew, a few actors at a time beside all that goes on. Nothing is
 * committed: an owner's commit that comes before wins, and one that comes after does not notice.
 */
import type { ActorDefinition } from "../actor-definition.ts";
import type { ActorId } from "../actor-id.ts";
import { everyActor } from "../actor-queries.ts";
import type { FoundActor, IndexRewrite } from "../actor-queries.ts";
import { askPatiently } from "../asked-store.ts";
import { sleep, systemClock } from "../clock.ts";
import type { Clock } from "../clock.ts";
import { describeThrown, isSpawnError } from "../errors.ts";
import { indexEntries } from "../values/index-values.ts";
import { checkWorkOptions } from "../option-names.ts";
import type { Statestore, StoredActor } from "../statestore.ts";
import { statesInTurn } from "./states-in-turn.ts";
import { decodeStored } from "../activations/stored-state.ts";

/** How the actors of a definition get the index that it has now. */
export interface ReindexOptions {
  /** The most actors that are indexed in a second. Default 2000. */
  readonly rowsPerSecondMax?: number | undefined;
  /** Where an earlier one with the same `index` ended: the `after` of its progress. Default: at the first actor. */
  readonly after?: string | undefined;
  /** Called after every part, some twenty times a second at the default pace. */
  readonly onProgress?: ((progress: Reindexing) => void) | undefined;
  /** Ends it early; it rejects with the signal's reason, and what was done stays. */
  readonly signal?: AbortSignal | undefined;
  /** Time, for tests. Default: the real clock. */
  readonly clock?: Clock | undefined;
}

/** How far a reindexing has come. */
export interface Reindexing {
  /**
   * Actors that were looked at. When the definition is replaced meanwhile by one with another `index` or state, it
   * begins again at the first actor, so that all entries are those of the last one in the end; those that it had seen
   * come again, and count again.
   */
  readonly seen: number;
  /** Those whose entries were made anew. */
  readonly rewritten: number;
  /** Those that were committed meanwhile: that commit had their entries. */
  readonly overtaken: number;
  /** Those whose entries cannot be made: a damaged or unreadable state, or an `index` that failed. They stay as they are. */
  readonly failed: number;
  /** The first 100 of those that failed. */
  readonly failures: readonly ReindexFailure[];
  /** Where to go on if it ends now; `undefined` when it is done. */
  readonly after: string | undefined;
}

/** An actor whose entries cannot be made. */
export interface ReindexFailure {
  readonly actor: ActorId;
  readonly reason: string;
}

const OPTION_NAMES = ["rowsPerSecondMax", "after", "onProgress", "signal", "clock"] as const;
const ROWS_PER_SECOND_MAX = 2000;
/** Small, since calls wait while the entries of a part are made. */
const PART_ROWS = 100;
/** How many failures are told one by one. */
const FAILURES_MAX = 100;
/** Rows that the statestore looks at for them, of all definitions. */
const LOOKS_MAX = 2_000;

export async function reindex(
  { system, store, definitionNow }: IndexedActors,
  options: ReindexOptions,
): Promise<Reindexing> {
  checkWorkOptions("reindex", options, OPTION_NAMES);
  const { rowsPerSecondMax = ROWS_PER_SECOND_MAX, clock = systemClock, signal } = options;
  let progress: Reindexing = { ...NOTHING_DONE, after: options.after };
  let isAnother: boolean;
  do {
    const definition = definitionNow();
    const what = `the actors of ${definition.name} cannot be indexed anew`;
    const beganAt = clock.monotonic();
    const part = await askPatiently({ clock, signal, what }, async () => {
      const part = { after: progress.after, limit: PART_ROWS, looksMax: LOOKS_MAX };
      const page = await store.queries.list({
        ...everyActor({ system, definition: definition.name, ...part }),
        withSizes: true,
      });
      return { after: page.after, ...(await indexed({ system, store, definition }, page.actors)) };
    });
    const { rewrites } = part;
    const rewritten = await askPatiently({ clock, signal, what }, () =>
      store.queries.reindex(rewrites),
    );
    progress = {
      seen: progress.seen + part.seen,
      rewritten: progress.rewritten + rewritten,
      overtaken: progress.overtaken + rewrites.length - rewritten,
      failed: progress.failed + part.failures.length,
      failures: [...progress.failures, ...part.failures].slice(0, FAILURES_MAX),
      after: part.after,
    };
    options.onProgress?.(progress);
    const endsAt = beganAt + (part.seen * 1000) / rowsPerSecondMax;
    await sleep(clock, Math.max(0, endsAt - clock.monotonic()), signal);
    // Then what was indexed so far comes again.
    isAnother = !indexesAlike(definitionNow(), definition);
    if (isAnother) progress = { ...progress, after: undefined };
  } while (isAnother || progress.after !== undefined);
  return progress;
}

/** Whether both make the same entries of what is stored: a host registers again with the same functions, too. */
function indexesAlike(one: ActorDefinition, other: ActorDefinition): boolean {
  return one.index === other.index && one.state === other.state;
}

/** The actors of a definition. */
export interface IndexedActors {
  readonly system: string;
  readonly store: Statestore;
  /** Their definition as it is now: another one may take its place. @throws {SpawnError} `ACTOR_NOT_FOUND` */
  readonly definitionNow: () => ActorDefinition;
}

interface IndexedPart {
  readonly rewrites: readonly IndexRewrite[];
  readonly seen: number;
  readonly failures: readonly ReindexFailure[];
}

const NOTHING_DONE = { seen: 0, rewritten: 0, overtaken: 0, failed: 0, failures: [] } as const;

async function indexed(
  {
    system,
    store,
    definition,
  }: Pick<IndexedActors, "system" | "store"> & { readonly definition: ActorDefinition },
  found: readonly FoundActor[],
): Promise<IndexedPart> {
  const rewrites: IndexRewrite[] = [];
  const failures: ReindexFailure[] = [];
  for await (const { actor, row } of statesInTurn(store, system, found)) {
    if (row === undefined || (!isSpawnError(row) && row.isDeleted)) continue;
    try {
      if (isSpawnError(row)) throw row;
      rewrites.push({ actor, etag: row.etag, index: entriesOf(definition, row) });
    } catch (error) {
      failures.push({ actor, reason: describeThrown(error) });
    }
  }
  return { rewrites, seen: found.length, failures };
}

function entriesOf({ state, index }: ActorDefinition, row: StoredActor): IndexRewrite["index"] {
  return index === undefined ? [] : indexEntries(index(decodeStored(state!, row)));
}
