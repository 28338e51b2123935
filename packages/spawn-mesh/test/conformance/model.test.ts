/** The model finds statestores that do not keep the contract. */
import { describe, expect, test } from "vitest";
import type { MessageStore } from "../../src/engine/message-store.ts";
import type { Statestore } from "../../src/engine/statestore.ts";
import { memoryStatestore } from "../../src/statestores/memory/index.ts";
import type { OpenStatestore } from "../../src/testing/statestore-conformance.ts";
import { runStatestoreModel } from "../../src/testing/statestore-model.ts";
import { opened, seededRandom } from "./check-contract.ts";

test("the model finds a statestore that forgets to fence", async () => {
  const memory = memoryStatestore();
  const forgetful: Statestore = {
    ...bound(memory),
    // Says that everything was applied.
    commit: async (commits) =>
      (await memory.commit(commits)).map((handle, index) => handle ?? commits[index]?.handle ?? 0),
  };
  const open: OpenStatestore = (owner) => opened(forgetful, owner);
  await expect(runStatestoreModel({ open, random: seededRandom(1) })).rejects.toThrow(
    /differs|handle/,
  );
});

describe("the model finds a statestore", () => {
  const withMessages = (store: Statestore, messages: Partial<MessageStore>): Statestore => ({
    ...bound(store),
    messages: { ...boundMessages(store.messages), ...messages },
  });

  test.each<[string, (memory: Statestore) => Statestore]>([
    [
      "that commits although a message is gone",
      (memory) => ({
        ...bound(memory),
        commit: async (commits) => {
          const ids = new Set((await memory.messages.list({ limit: 1000 })).map(({ id }) => id));
          return await memory.commit(
            commits.map((commit) => ({
              ...commit,
              consumes: commit.consumes.filter(({ id }) => ids.delete(id)),
            })),
          );
        },
      }),
    ],
    [
      "that sends what a refused commit would have sent",
      (memory) => ({
        ...bound(memory),
        commit: async (commits) => {
          const handles = await memory.commit(commits);
          await memory.messages.send(commits.flatMap(({ sends }) => sends));
          return handles;
        },
      }),
    ],
    [
      "that forgets to count an attempt",
      (memory) =>
        withMessages(memory, {
          async claim(claim) {
            const claimed = await memory.messages.claim(claim);
            const uncounted = claimed.map((one) => ({ ...one, attempts: one.attempts - 1 }));
            await memory.messages.postpone(uncounted);
            return claimed;
          },
        }),
    ],
    [
      "that lets what is retried keep its place in line",
      (memory) =>
        withMessages(memory, {
          async retryParked(ids, dueAt) {
            const later = await memory.messages.list({ limit: 1000 });
            const retried = await memory.messages.retryParked(ids, dueAt);
            // The others go behind it.
            await memory.messages.remove(later.map(({ id }) => id));
            await memory.messages.send(later);
            await memory.messages.postpone(later);
            return retried;
          },
        }),
    ],
    [
      "that lets a message past the one before it",
      (memory) =>
        withMessages(memory, {
          async claim(claim) {
            const inLine = await memory.messages.list({ limit: 1000 });
            // Stored again in the order in which they are due.
            await memory.messages.remove(inLine.map(({ id }) => id));
            await memory.messages.send(inLine);
            await memory.messages.postpone(inLine);
            return await memory.messages.claim(claim);
          },
        }),
    ],
    [
      "that forgets what is blocked when it says when it has something next",
      (memory) =>
        withMessages(memory, {
          nextDueAt: async () => (await memory.messages.list({ limit: 1 }))[0]?.dueAt,
        }),
    ],
    [
      "that discards what still waits",
      (memory) =>
        withMessages(memory, {
          discardParked: async (ids) => [
            ...(await memory.messages.discardParked(ids)),
            ...(await memory.messages.remove(ids)),
          ],
        }),
    ],
  ])("%s", async (_what, breaks) => {
    const broken = breaks(memoryStatestore());
    const open: OpenStatestore = (owner) => opened(broken, owner);
    await expect(runStatestoreModel({ open, random: seededRandom(1) })).rejects.toThrow(/differs/);
  });

  test("that writes other entries than were committed", async () => {
    const memory = memoryStatestore();
    const broken: Statestore = {
      ...bound(memory),
      commit: (commits) =>
        memory.commit(
          commits.map(({ index, ...rest }) => ({ ...rest, ...(index && { index: [] }) })),
        ),
    };
    const open: OpenStatestore = (owner) => opened(broken, owner);
    await expect(runStatestoreModel({ open, random: seededRandom(1) })).rejects.toThrow(/differs/);
  });

  test("and none that works", async () => {
    const memory = memoryStatestore();
    const working = withMessages(memory, {});
    const open: OpenStatestore = (owner) => opened(working, owner);
    await runStatestoreModel({ open, random: seededRandom(1) });
  });
});

function boundMessages(messages: MessageStore): MessageStore {
  return {
    send: (sent) => messages.send(sent),
    claim: (claim) => messages.claim(claim),
    nextDueAt: () => messages.nextDueAt(),
    postpone: (postponements) => messages.postpone(postponements),
    replace: (id, others) => messages.replace(id, others),
    remove: (ids) => messages.remove(ids),
    list: (page) => messages.list(page),
    listSentLater: (page) => messages.listSentLater(page),
    park: (parked, at) => messages.park(parked, at),
    listParked: (page) => messages.listParked(page),
    retryParked: (ids, dueAt) => messages.retryParked(ids, dueAt),
    discardParked: (ids) => messages.discardParked(ids),
  };
}

function bound(store: Statestore): Statestore {
  return {
    open: (session) => store.open(session),
    load: (queries) => store.load(queries),
    commit: (commits) => store.commit(commits),
    needsEncryption: store.needsEncryption,
    messages: store.messages,
    sealed: store.sealed,
    queries: store.queries,
    systems: store.systems,
    listActors: (of) => store.listActors(of),
    listRevisions: (actor) => store.listRevisions(actor),
    readRevision: (actor, revision) => store.readRevision(actor, revision),
    prune: (wall, limit) => store.prune(wall, limit),
    close: () => store.close(),
  };
}
