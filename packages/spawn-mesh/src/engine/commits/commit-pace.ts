/**
 * How often an actor may commit that has a large state.
 *
 * Every commit writes the whole state. An actor that changes a little of a large one at a time would
 * keep the disk to itself, so after a commit it rests for as long as its share of the disk takes to
 * write so much. Its actions go on meanwhile, and what they change goes in one commit.
 */
import type { ActorDefinition } from "../actor-definition.ts";
import { earliestDeadline } from "../calls/invocation.ts";
import type { Batch } from "./commit-batch.ts";
import type { Limits } from "../limits.ts";

/** Shorter rests are none: a commit takes about as long, and nobody has to look at the clock. */
const REST_MS_MIN = 4;

/**
 * For how long an actor rests from the start of a commit, in milliseconds. A write-behind state is
 * written as often as its definition says: how much of it can be lost is a promise.
 */
export function restAfterMs(
  { isDelete, bytes }: Batch,
  { durability, snapshotTimeoutMs }: ActorDefinition,
  { commitUnitsPerSecond }: Limits,
): number {
  if (isDelete || bytes === undefined) return 0;
  const restMs = (bytes.length / commitUnitsPerSecond) * 1_000;
  if (restMs < REST_MS_MIN) return 0;
  return durability === "write-behind" ? Math.min(restMs, snapshotTimeoutMs) : restMs;
}

/**
 * Whether a commit may wait for the end of a rest: a delete, which writes little, need not, and no caller
 * waits for more than half of the time that it has.
 */
export function mayWait(next: Batch | undefined, restMs: number, now: number): boolean {
  if (next === undefined) return true;
  return !next.isDelete && earliestDeadline(next.entries) - now >= 2 * restMs;
}
