/**
 * One incarnation's way to the messages of the database. A read fails or is late; a change may besides
 * lose its way or its answer, or be done long after everybody has given it up.
 */
import type { MessageStore } from "../../src/engine/message-store.ts";
import { StoreFailure } from "../../src/engine/statestore.ts";
import type { ConnectionParts } from "./connection.ts";
import { PATIENCE_MS_MAX, PATIENCE_MS_MIN, loadFailure } from "./request-faults.ts";

type Calls = {
  readonly [Name in keyof MessageStore]: (
    ...inputs: Parameters<MessageStore[Name]>
  ) => ReturnType<MessageStore[Name]>;
};

/** @param reach the messages, as the session reaches them when a request arrives */
export function messageWay(parts: ConnectionParts, reach: () => MessageStore): MessageStore {
  const ask = <Answer>(request: (store: MessageStore) => Promise<Answer>): Promise<Answer> =>
    read(parts, () => request(reach()));
  const change = <Answer>(request: (store: MessageStore) => Promise<Answer>): Promise<Answer> =>
    write(parts, () => request(reach()));
  const calls: Calls = {
    send: (messages) => change((store) => store.send(messages)),
    claim: (claim) => change((store) => store.claim(claim)),
    nextDueAt: () => ask((store) => store.nextDueAt()),
    postpone: (postponements) => change((store) => store.postpone(postponements)),
    replace: (message, by, outcome) => change((store) => store.replace(message, by, outcome)),
    remove: (ids) => change((store) => store.remove(ids)),
    list: (page) => ask((store) => store.list(page)),
    listSentLater: (page) => ask((store) => store.listSentLater(page)),
    park: (parked, at) => change((store) => store.park(parked, at)),
    listParked: (page) => ask((store) => store.listParked(page)),
    retryParked: (ids, dueAt) => change((store) => store.retryParked(ids, dueAt)),
    discardParked: (ids) => change((store) => store.discardParked(ids)),
  };
  return calls;
}

/** Asks the database; what comes of it changes nothing there. */
export function read<Answer>(
  { database, clock, world, isExclusive }: ConnectionParts,
  request: () => Promise<Answer>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const back = database.latencyMs();
    const fail = (error: unknown): void => void clock.timer(back, () => reject(error));
    if (database.isOut) return fail(new StoreFailure("retry", "no connection"));
    if (database.strikes("load-error")) return fail(loadFailure(world, isExclusive));
    world.clock.timer(database.latencyMs(), () => {
      request().then((answer) => void clock.timer(back, () => resolve(answer)), fail);
    });
  });
}

/** Changes the database, now or later, once or not at all, whatever is heard of it. */
export function write<Answer>(
  { database, clock, world, ghostMsMax }: ConnectionParts,
  request: () => Promise<Answer>,
): Promise<Answer> {
  const { choices } = world;
  return new Promise((resolve, reject) => {
    const there = database.latencyMs();
    const back = database.latencyMs();
    const fail = (error: unknown): void => void clock.timer(back, () => reject(error));
    const lose = (): void => {
      const patienceMs = choices.between(PATIENCE_MS_MIN, PATIENCE_MS_MAX);
      const error = new StoreFailure("ambiguous", "no answer");
      clock.timer(there + back + patienceMs, () => reject(error));
    };
    /** Lets the request reach the database after a while, whoever is alive then. */
    const arrive = (afterMs: number, answered?: (answer: Answer) => void): void => {
      database.underWay++;
      world.clock.timer(afterMs, () => {
        database.underWay--;
        request().then(
          (answer) => answered?.(answer),
          (error: unknown) => answered !== undefined && fail(error),
        );
      });
    };
    if (database.isOut) {
      return choices.chance(0.3) ? lose() : fail(new StoreFailure("retry", "no connection"));
    }
    if (database.strikes("lost-request")) {
      world.count("fault lost message request");
      return lose();
    }
    if (database.strikes("lost-answer")) {
      world.count("fault lost message answer");
      lose();
      return arrive(there);
    }
    if (database.strikes("ghost")) {
      world.count("fault message ghost");
      lose();
      return arrive(there + choices.between(PATIENCE_MS_MIN, ghostMsMax));
    }
    arrive(there, (answer) => void clock.timer(back, () => resolve(answer)));
  });
}
