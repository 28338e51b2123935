/** Messages as the engine sends them, with every field given a value that a case need not care about. */
import assert from "node:assert";
import type { ActorId } from "../../engine/actor-id.ts";
import type {
  Message,
  MessageClaim,
  MessagePage,
  MessageRef,
  MessageStore,
  ParkedMessage,
  StoredMessage,
} from "../../engine/message-store.ts";
import { type Statestore, StoreFailure } from "../../engine/statestore.ts";
import { actorNamed } from "./commit-fixtures.ts";

/** When messages are sent and due, unless a case says otherwise. */
const SENT_AT = 900;
export const DUE_AT = 1000;

export const ann: ActorId = actorNamed("ann");
export const bob: ActorId = actorNamed("bob");
export const cat: ActorId = actorNamed("cat");

/** A message from outside to bob, which belongs to no lane. */
export function message(id: string, fields: Partial<Message> = {}): Message {
  return {
    id,
    source: undefined,
    target: bob,
    action: "act",
    payload: JSON.stringify({ of: id }),
    headers: { kind: "call" },
    isOrdered: false,
    isTimer: false,
    sentAt: SENT_AT,
    dueAt: DUE_AT,
    ...fields,
  };
}

/** The message of that id that {@link message} makes. */
export function ref(id: string): MessageRef {
  return { id, sentAt: SENT_AT };
}

export function refs(ids: readonly string[]): readonly MessageRef[] {
  return ids.map(ref);
}

/** An ordered message from ann to bob. */
export function ordered(id: string, fields: Partial<Message> = {}): Message {
  return message(id, { source: ann, isOrdered: true, ...fields });
}

/** A timer of ann. */
export function timer(id: string, fields: Partial<Message> = {}): Message {
  return message(id, { source: ann, target: ann, isTimer: true, ...fields });
}

export function messages(ids: readonly string[], fields: Partial<Message> = {}): Message[] {
  return ids.map((id) => message(id, fields));
}

/** How a message is stored that was sent and not tried yet. */
export function waiting(sent: Message, fields: Partial<StoredMessage> = {}): StoredMessage {
  return { ...sent, attempts: 0, error: undefined, ...fields };
}

/** Claims whatever is due at {@link DUE_AT}, unless told otherwise. */
export async function claim(
  store: Statestore,
  fields: Partial<MessageClaim> = {},
): Promise<readonly StoredMessage[]> {
  return await store.messages.claim({
    wall: DUE_AT,
    isDoubtful: false,
    limit: 1000,
    laneMax: 10_000,
    unitsMax: 2 ** 26,
    retry: { firstMs: 100, maxMs: 1000 },
    ...fields,
  });
}

/** The ids of what is claimed, in order. */
export async function claimIds(
  store: Statestore,
  fields: Partial<MessageClaim> = {},
): Promise<readonly string[]> {
  return idsOf(await claim(store, fields));
}

export function idsOf(listed: readonly { readonly id: string }[]): readonly string[] {
  return listed.map(({ id }) => id);
}

/** A page of all that waits. */
export async function list(
  store: Statestore,
  page: Partial<MessagePage> = {},
): Promise<readonly StoredMessage[]> {
  return await store.messages.list({ limit: 10_000, ...page });
}

/** A page of all that was given up. */
export async function listParked(
  store: Statestore,
  page: Partial<MessagePage> = {},
): Promise<readonly ParkedMessage[]> {
  return await store.messages.listParked({ limit: 10_000, ...page });
}

/** Sends a message and gives it up. */
export async function sendParked(store: Statestore, sent: Message, at = 2000): Promise<void> {
  await store.messages.send([sent]);
  await store.messages.park([{ ...sent, error: `why ${sent.id}` }], at);
}

/** The messages among `ids` that a load finds, by id. */
export async function loadMessages(
  store: Statestore,
  ids: readonly string[],
): Promise<readonly StoredMessage[]> {
  const [answer] = await store.load([{ actor: cat, row: false, keys: [], messages: ids }]);
  assert(answer !== undefined, "load gave no answer to a query");
  return answer.messages.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** A call that overlaps with others may have to be repeated; it says so when it does. */
export async function repeating<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StoreFailure && error.kind === "retry")) throw error;
    }
  }
}

/** Demands that the ids are these, whatever their order. */
export function assertSameIds(actual: readonly string[], expected: readonly string[]): void {
  assert.deepStrictEqual(actual.toSorted(), expected.toSorted());
}

/** Every call of the message store, with input that is in order. */
export const everyCall: readonly ((store: MessageStore) => Promise<unknown>)[] = [
  (store) => store.send([message("late")]),
  (store) =>
    store.claim({
      wall: DUE_AT,
      isDoubtful: false,
      limit: 1,
      laneMax: 1,
      unitsMax: 1,
      retry: { firstMs: 1, maxMs: 1 },
    }),
  (store) => store.nextDueAt(),
  (store) => store.postpone([{ ...ref("kept"), dueAt: 1, attempts: 1, error: "no" }]),
  (store) => store.replace(ref("kept"), []),
  (store) => store.remove(["kept"]),
  (store) => store.list({ limit: 1 }),
  (store) =>
    store.listSentLater({
      sentAfter: 1,
      leftDueAfter: 1,
      after: { at: 0, id: "" },
      among: 1,
      limit: 1,
    }),
  (store) => store.park([{ ...ref("kept"), error: "no" }], 1),
  (store) => store.listParked({ limit: 1 }),
  (store) => store.retryParked(["kept"], 1),
  (store) => store.discardParked(["kept"]),
];
