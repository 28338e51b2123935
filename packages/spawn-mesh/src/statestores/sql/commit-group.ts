/**
 * What a group of commits is to a database: rows with their keys, in scripts of commits that touch
 * nothing of one another.
 *
 * A database that applies a script as one statement sees all of it at one moment. A commit that
 * depends on one before it in the group, which is rare, therefore goes into a later script.
 */
import type { Commit, StoreHandle } from "../../engine/statestore.ts";
import { keyOfActor, keyOfHandle } from "./actor-key.ts";

/** A commit with the key of its row. */
export interface KeyedCommit {
  readonly commit: Commit;
  readonly key: Buffer;
  /** Where it stands in the group. */
  readonly index: number;
}

export function keyedCommit(commit: Commit, index: number): KeyedCommit {
  const key = commit.handle === undefined ? keyOfActor(commit.actor) : keyOfHandle(commit.handle);
  return { commit, key, index };
}

/** Whether it names a reply or a consumed message twice, and is refused whatever is stored. */
export function contradictsItself({ replies, consumes }: Commit): boolean {
  return hasTwice(replies.map(({ key }) => key)) || hasTwice(consumes.map(({ id }) => id));
}

/** Splits a group, in order, into scripts of at most `rowsMax` commits that touch nothing of one another. */
export function independentScripts(
  commits: readonly KeyedCommit[],
  rowsMax: number,
): readonly (readonly KeyedCommit[])[] {
  const scripts: KeyedCommit[][] = [];
  let script: KeyedCommit[] = [];
  let actors = new Set<StoreHandle>();
  let messages = new Set<string>();
  // A delete takes timers away whose ids nobody here knows: none before it, and none behind it, may name one.
  let hasDelete = false;
  for (const keyed of commits) {
    const { commit, key } = keyed;
    const actor = commit.handle ?? key.toString("latin1");
    const touched = touchedMessages(commit);
    const isTouched =
      actors.has(actor) ||
      touched.some((id) => messages.has(id)) ||
      (hasDelete && touched.length > 0) ||
      (commit.isDelete && messages.size > 0);
    if (script.length === 0 || isTouched || script.length === rowsMax) {
      scripts.push((script = []));
      actors = new Set();
      messages = new Set();
      hasDelete = false;
    }
    script.push(keyed);
    hasDelete ||= commit.isDelete;
    actors.add(actor);
    for (const id of touched) messages.add(id);
  }
  return scripts;
}

const NO_MESSAGES: readonly string[] = [];

function touchedMessages({ consumes, cancels, sends }: Commit): readonly string[] {
  if (consumes.length === 0 && cancels.length === 0 && sends.length === 0) return NO_MESSAGES;
  return [...consumes.map(({ id }) => id), ...cancels, ...sends.map(({ id }) => id)];
}

function hasTwice(texts: readonly string[]): boolean {
  return texts.length > 1 && new Set(texts).size < texts.length;
}
