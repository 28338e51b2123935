/** The messages of the database as one session reaches them: checked, written down, and then done. */
import type { MessageStore } from "../../src/engine/message-store.ts";
import type { MessageLog } from "./message-log.ts";

type Calls = {
  readonly [Name in keyof MessageStore]: (
    ...inputs: Parameters<MessageStore[Name]>
  ) => ReturnType<MessageStore[Name]>;
};

/**
 * @param checkRead throws when the session may not ask now
 * @param checkWrite throws when the session may not change anything now
 */
export function loggedMessages(
  store: MessageStore,
  log: MessageLog,
  { checkRead, checkWrite }: { readonly checkRead: () => void; readonly checkWrite: () => void },
): MessageStore {
  // The reference store does its work before it returns the promise, so the log is in its order.
  const calls: Calls = {
    async send(messages) {
      checkWrite();
      const done = store.send(messages);
      log.sent(messages);
      await done;
    },
    async claim(claim) {
      checkWrite();
      const claimed = await store.claim(claim);
      log.claimed(claimed);
      return claimed;
    },
    async nextDueAt() {
      checkRead();
      return await store.nextDueAt();
    },
    async postpone(postponements) {
      checkWrite();
      log.postponed(postponements);
      await store.postpone(postponements);
    },
    async replace(message, by, outcome) {
      checkWrite();
      const wasStored = await store.replace(message, by, outcome);
      if (wasStored) log.replaced(message.id, by);
      return wasStored;
    },
    async remove(ids) {
      checkWrite();
      const removed = await store.remove(ids);
      log.removed(removed);
      return removed;
    },
    async list(page) {
      checkRead();
      return await store.list(page);
    },
    async listSentLater(page) {
      checkRead();
      return await store.listSentLater(page);
    },
    async park(parked, at) {
      checkWrite();
      const done = store.park(parked, at);
      log.parked(parked);
      await done;
    },
    async listParked(page) {
      checkRead();
      return await store.listParked(page);
    },
    async retryParked(ids, dueAt) {
      checkWrite();
      const retried = await store.retryParked(ids, dueAt);
      log.retried(retried);
      return retried;
    },
    async discardParked(ids) {
      checkWrite();
      const discarded = await store.discardParked(ids);
      log.discarded(discarded);
      return discarded;
    },
  };
  return calls;
}
