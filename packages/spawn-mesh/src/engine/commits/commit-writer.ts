/**
 * Group commit: the commits that are ready go to the statestore together.
 *
 * When an answer is lost, the *same* commits are sent again until the outcome is known: a second time
 * they are refused, and the row then says what happened. To read the row first and conclude from it would
 * be wrong, because the first request may still be on its way.
 */
import type { ActorDefinition } from "../actor-definition.ts";
import { sleep } from "../clock.ts";
import type { Clock, Random } from "../clock.ts";
import type { Batch } from "./commit-batch.ts";
import { restAfterMs } from "./commit-pace.ts";
import type { CommitPipeline } from "./commit-pipeline.ts";
import { SpawnError, describeThrown, isSpawnError } from "../errors.ts";
import { nobody } from "../events.ts";
import type { EventListener } from "../events.ts";
import { exponentialBackoffMs } from "../time/exponential-backoff.ts";
import { GroupQueue } from "../time/group-queue.ts";
import type { Limits } from "../limits.ts";
import type { Outbox } from "../messages/outbox.ts";
import { StoreFailure } from "../statestore.ts";
import type { Commit, Statestore, StoreAnswer, StoreHandle, StoreQuery } from "../statestore.ts";

export interface CommitWriterParts {
  /** The session that commits. */
  readonly owner: string;
  readonly store: Statestore;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly emit: EventListener;
  readonly outbox: Outbox;
}

/** A group on its way: pipelines and their commits, side by side. */
interface Group {
  pipelines: readonly CommitPipeline[];
  commits: readonly Commit[];
  /** Whether an answer was lost, so that the commits may have been applied already. */
  isAmbiguous: boolean;
  readonly startedAt: number;
}

export class CommitWriter {
  readonly #parts: CommitWriterParts;
  readonly #ready: GroupQueue<CommitPipeline>;

  constructor(parts: CommitWriterParts) {
    this.#parts = parts;
    this.#ready = new GroupQueue({
      inFlightMax: parts.limits.commitsInFlightMax,
      lengthOfNext: (ready, rowsInFlight) => rowsOfGroup(ready, rowsInFlight, parts.limits),
      send: (pipelines) => this.#write(pipelines),
    });
  }

  /** The session in whose name everything is committed. */
  get owner(): string {
    return this.#parts.owner;
  }

  /** Where the messages of what it has committed go. */
  get outbox(): Outbox {
    return this.#parts.outbox;
  }

  /** Until when an actor rests whose commit goes now (monotonic, whole milliseconds); 0 for not at all. */
  restsUntil(batch: Batch, definition: ActorDefinition): number {
    const restMs = restAfterMs(batch, definition, this.#parts.limits);
    return restMs === 0 ? 0 : Math.ceil(this.now() + restMs);
  }

  /** The time (monotonic). */
  now(): number {
    return this.#parts.clock.monotonic();
  }

  /** Takes the pipeline's next commit when there is a way; it may go on growing until then. */
  enlist(pipeline: CommitPipeline): void {
    this.#ready.push(pipeline);
  }

  /** Takes back {@link enlist}. */
  withdraw(pipeline: CommitPipeline): void {
    this.#ready.remove(pipeline);
  }

  /** Sends nothing more and answers nobody: what a crash does. */
  abandon(): void {
    this.#ready.stop();
  }

  get #isAbandoned(): boolean {
    return this.#ready.isStopped;
  }

  async #write(pipelines: readonly CommitPipeline[]): Promise<void> {
    const { random, clock } = this.#parts;
    const at = clock.wall();
    const commits = pipelines.map((pipeline) => pipeline.seal(random.id(), at));
    const group: Group = { pipelines, commits, isAmbiguous: false, startedAt: clock.monotonic() };
    const handles = await this.#commitUntilCertain(group);
    if (handles === undefined || this.#isAbandoned) return;
    this.#tell(group);
    await this.#answer(group, handles);
  }

  /** Sends the group until its outcome is certain; `undefined` when nothing is left to answer. */
  async #commitUntilCertain(
    group: Group,
  ): Promise<readonly (StoreHandle | undefined)[] | undefined> {
    const { store, clock, random } = this.#parts;
    for (let attempt = 0; ; attempt++) {
      try {
        return await store.commit(group.commits);
      } catch (error) {
        if (this.#isAbandoned || !this.#shouldRepeat(group, error)) return undefined;
        await sleep(clock, exponentialBackoffMs(attempt, random));
      }
    }
  }

  #tell({ commits, startedAt }: Group): void {
    const { emit, clock } = this.#parts;
    if (emit === nobody) return;
    const durationMs = clock.monotonic() - startedAt;
    emit({ type: "committed", commits: commits.length, durationMs });
  }

  /** Whether what is left of the group has to be sent again. */
  #shouldRepeat(group: Group, error: unknown): boolean {
    const { limits, emit, clock } = this.#parts;
    // What is not a StoreFailure is a defect of the adapter, and then nothing is certain.
    const kind = error instanceof StoreFailure ? error.kind : "ambiguous";
    const elapsedMs = clock.monotonic() - group.startedAt;
    if (kind === "ambiguous") group.isAmbiguous = true;
    // What can never be stored was not applied by an earlier attempt either.
    if (kind === "rows" && namesRows(error, group)) return this.#dropRows(group, error);
    if (group.isAmbiguous) {
      emit({ type: "commit-ambiguous", commits: group.commits.length, cause: error });
      if (kind !== "fatal" && elapsedMs < limits.ambiguityMaxMs) return true;
      // Acknowledged changes are not given up as long as the statestore may still answer.
      this.#endUnknown(group, error, (pipeline) => kind === "fatal" || !pipeline.isWriteBehind);
      return group.pipelines.length > 0;
    }
    emit({ type: "store-failed", operation: "commit", cause: error });
    if (kind === "retry" && elapsedMs < limits.storeRetryMs) return true;
    const cause = new SpawnError(
      "STATESTORE_UNAVAILABLE",
      `the change was not stored: ${describeThrown(error)}`,
      { cause: error },
    );
    for (const pipeline of group.pipelines) pipeline.notApplied(cause);
    return false;
  }

  #endUnknown(group: Group, error: unknown, isOver: (pipeline: CommitPipeline) => boolean): void {
    const cause = new SpawnError(
      "UNKNOWN_OUTCOME",
      `the outcome of the commit cannot be learnt: ${describeThrown(error)}`,
      { applied: "unknown", cause: error },
    );
    for (const pipeline of takeOut(group, isOver)) pipeline.unknown(cause);
  }

  /** Fails the commits that can never be stored; the others are sent again without them. */
  #dropRows(group: Group, failure: StoreFailure): boolean {
    const bad = new Set(failure.rows.map((index) => group.pipelines[index]));
    const cause = new SpawnError(
      "PAYLOAD_TOO_LARGE",
      `the statestore cannot hold the change: ${failure.message}`,
      { cause: failure },
    );
    const dropped = takeOut(group, (pipeline) => bad.has(pipeline));
    for (const pipeline of dropped) pipeline.notApplied(cause);
    return dropped.length > 0 && group.pipelines.length > 0;
  }

  async #answer(group: Group, handles: readonly (StoreHandle | undefined)[]): Promise<void> {
    const refused: CommitPipeline[] = [];
    for (let index = 0; index < handles.length; index++) {
      const handle = handles[index];
      const pipeline = group.pipelines[index]!;
      if (handle === undefined) refused.push(pipeline);
      else pipeline.committed(handle);
    }
    // Who waits for an answer waits for a while; acknowledged changes are not given up.
    await this.#classify(
      refused.filter(({ isWriteBehind }) => !isWriteBehind),
      this.#parts.limits.ambiguityMaxMs,
    );
    await this.#classify(
      refused.filter(({ isWriteBehind }) => isWriteBehind),
      Infinity,
    );
  }

  /** Asks what the statestore has where it refused, so that each pipeline can say what became of its commit. */
  async #classify(refused: readonly CommitPipeline[], patienceMs: number): Promise<void> {
    if (refused.length === 0) return;
    const queries = refused.map((pipeline) => ({
      actor: pipeline.id,
      row: true,
      keys: pipeline.keysInFlight,
      messages: pipeline.messagesInFlight,
    }));
    const answers = await this.#loadRows(queries, patienceMs);
    if (this.#isAbandoned) return;
    for (const [index, pipeline] of refused.entries()) pipeline.refused(answers?.[index]);
  }

  async #loadRows(
    queries: readonly StoreQuery[],
    patienceMs: number,
  ): Promise<readonly (StoreAnswer | undefined)[] | undefined> {
    const { store, clock, random, emit } = this.#parts;
    const giveUpAt = clock.monotonic() + patienceMs;
    for (let attempt = 0; clock.monotonic() < giveUpAt && !this.#isAbandoned; attempt++) {
      try {
        return await store.load(queries);
      } catch (error) {
        emit({ type: "store-failed", operation: "load", cause: error });
        if (isSpawnError(error)) return await this.#loadEach(queries, patienceMs);
        if (error instanceof StoreFailure && error.kind === "fatal") return undefined;
        await sleep(clock, exponentialBackoffMs(attempt, random));
      }
    }
    return undefined;
  }

  /** Nothing is learnt from a row that cannot be read, and it must not take the others with it. */
  async #loadEach(
    queries: readonly StoreQuery[],
    patienceMs: number,
  ): Promise<readonly (StoreAnswer | undefined)[] | undefined> {
    if (queries.length === 1) return undefined;
    const answers: (StoreAnswer | undefined)[] = [];
    for (const query of queries) answers.push((await this.#loadRows([query], patienceMs))?.[0]);
    return answers;
  }
}

/** Fewer are not worth a sync of their own: what both sides gain at work, they lose with the disk. */
const HALF_ROWS_MIN = 128;

/**
 * Two groups of one size take turns: one is in the statestore while the other is answered, and what follows
 * from that runs. A large and a small one would keep both sides waiting for the large one.
 */
function rowsOfGroup(
  ready: readonly CommitPipeline[],
  rowsInFlight: number,
  { commitRowsMax, commitUnitsMax }: Limits,
): number {
  const half = Math.ceil((ready.length + rowsInFlight) / 2);
  const rowsMax = Math.min(ready.length, commitRowsMax, Math.max(half, HALF_ROWS_MIN));
  let rows = 0;
  let units = 0;
  while (rows < rowsMax && (rows === 0 || units < commitUnitsMax)) {
    units += ready[rows]!.unitsToWrite;
    rows++;
  }
  return rows;
}

/** Whether a failure says which commits of the group it is about, as one of kind `rows` has to. */
function namesRows(error: unknown, group: Group): error is StoreFailure {
  return error instanceof StoreFailure && error.rows.some((index) => index in group.pipelines);
}

/** Removes pipelines and their commits from a group, and returns the pipelines. */
function takeOut(
  group: Group,
  isOut: (pipeline: CommitPipeline) => boolean,
): readonly CommitPipeline[] {
  const { pipelines, commits } = group;
  group.pipelines = pipelines.filter((pipeline) => !isOut(pipeline));
  group.commits = commits.filter((_, index) => !isOut(pipelines[index]!));
  return pipelines.filter(isOut);
}
