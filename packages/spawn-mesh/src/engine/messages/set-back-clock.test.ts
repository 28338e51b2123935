import { expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import type { Message, SentLaterPage } from "../message-store.ts";
import { untriedOf } from "./giving-back.ts";
import { SetBackClock } from "./set-back-clock.ts";
import { systemClock } from "../clock.ts";

const HOUR_MS = 3_600_000;
const NOW = 100 * HOUR_MS;
const LATER = NOW + HOUR_MS;
const target = { system: "s", definition: "d", name: "n" };

function message(id: string, about: Partial<Message>): Message {
  return {
    id,
    source: undefined,
    target,
    action: "a",
    payload: null,
    headers: { kind: "call" },
    isOrdered: false,
    isTimer: false,
    sentAt: LATER,
    dueAt: LATER,
    ...about,
  };
}

function repeated(everyMs: number): Message["headers"] {
  const repeat = { everyMs, catchUp: "one", plannedAt: LATER + everyMs } as const;
  return { kind: "call", delayMs: everyMs, repeat };
}

function waiting(delayMs: number): Message["headers"] {
  return { kind: "call", delayMs, notBefore: LATER + delayMs };
}

function chosen(notBefore: number): Message["headers"] {
  return { kind: "call", notBefore };
}

const cron = { cron: "* * * * *", timeZone: "UTC", catchUp: "one", plannedAt: LATER } as const;

async function dueTimes(messages: readonly Message[]): Promise<Readonly<Record<string, number>>> {
  const store = memoryStatestore();
  await store.open({ owner: "o" });
  await store.messages.send(messages);
  const clock = { ...systemClock, wall: () => NOW, monotonic: () => 0 };
  await new SetBackClock({ store, clock }).correct();
  const listed = await store.messages.list({ limit: 1_000 });
  return Object.fromEntries(listed.map(({ id, dueAt }) => [id, dueAt]));
}

test("what was to be delivered at once, or comes again and again, does not wait until the clock is where it was", async () => {
  expect(
    await dueTimes([
      message("at once", { dueAt: LATER + 5_000 }),
      message("left for later", { dueAt: LATER + 10_000, isOrdered: true }),
      message("in ten seconds", { dueAt: LATER + 10_000, headers: waiting(10_000) }),
      message("every second", { dueAt: LATER + 1_000, headers: repeated(1_000) }),
      message("every other hour", { dueAt: LATER + 2 * HOUR_MS, headers: repeated(2 * HOUR_MS) }),
    ]),
  ).toEqual({
    "at once": NOW + 5_000,
    "left for later": NOW + 5_000,
    "in ten seconds": NOW + 10_000,
    "every second": NOW + 1_000,
    "every other hour": NOW + 2 * HOUR_MS,
  });
});

test("what was sent before, and was tried or given back while the clock was ahead, does not wait either", async () => {
  const store = memoryStatestore();
  await store.open({ owner: "o" });
  const before = { sentAt: NOW - 1, dueAt: NOW - 1 };
  const tried = message("tried", before);
  const early = message("tried too early", { ...before, headers: chosen(NOW + 60_000) });
  const untried = { ...message("given back", before), attempts: 1, error: undefined };
  const headers = chosen(LATER);
  await store.messages.send([tried, early, untried, message("chosen", { ...before, headers })]);
  await store.messages.postpone([
    { ...tried, dueAt: LATER, attempts: 1, error: "no" },
    { ...early, dueAt: LATER, attempts: 1, error: "no" },
    { ...message("chosen", before), dueAt: LATER, attempts: 0, error: undefined },
    untriedOf(untried, LATER),
  ]);
  const clock = { ...systemClock, wall: () => NOW, monotonic: () => 0 };
  await new SetBackClock({ store, clock }).correct();
  const waiting = await store.messages.list({ limit: 10 });
  expect(waiting.map(({ id, dueAt }) => [id, dueAt])).toEqual([
    ["given back", NOW],
    ["tried", NOW],
    ["tried too early", NOW + 60_000],
    ["chosen", LATER],
  ]);
});

test("a time that somebody chose stays as it is, and so does everything when the clock was not set back", async () => {
  const messages = [
    message("in ten seconds", { dueAt: LATER + 10_000, headers: chosen(LATER + 10_000) }),
    message("by the clock", { headers: { kind: "call", repeat: cron } }),
    message("sent before", { sentAt: NOW, dueAt: NOW + 5_000 }),
    message("sent a little later", { sentAt: NOW + 30_000, dueAt: NOW + 35_000 }),
  ];
  expect(await dueTimes(messages)).toEqual(
    Object.fromEntries(messages.map(({ id, dueAt }) => [id, dueAt])),
  );
});

test("a message that cannot be decrypted does not come before its time, which nobody knows, unless others wait behind it", async () => {
  const payload = { keyId: "lost", bytes: new Uint8Array(60) };
  expect(
    await dueTimes([
      message("in an hour", { payload, dueAt: LATER + HOUR_MS }),
      message("in line", { payload, dueAt: LATER + 5_000, isOrdered: true, source: target }),
    ]),
  ).toEqual({ "in an hour": LATER + HOUR_MS, "in line": NOW + 5_000 });
});

test("a message that was on its way when the clock was set back, and is stored afterwards, does not wait either", async () => {
  const store = memoryStatestore();
  await store.open({ owner: "o" });
  const shown = { wall: LATER, monotonic: 0 };
  const clock = { ...systemClock, wall: () => shown.wall, monotonic: () => shown.monotonic };
  const setBack = new SetBackClock({ store, clock });
  await setBack.correct();
  shown.wall = NOW;
  await setBack.correct();
  await store.messages.send([message("latecomer", { dueAt: LATER + 5_000 })]);
  Object.assign(shown, { wall: NOW + 60_000, monotonic: 60_000 });
  await setBack.correct();
  expect((await store.messages.list({ limit: 1 }))[0]?.dueAt).toBe(NOW + 65_000);
});

test("looks once when nothing was sent by a clock that was ahead, however much waits", async () => {
  const store = memoryStatestore();
  await store.open({ owner: "o" });
  const waiting = Array.from({ length: 1_000 }, (_, at) => message(`m${at}`, { sentAt: NOW }));
  await store.messages.send(waiting);
  const { messages } = store;
  const ask = messages.listSentLater.bind(messages);
  let asked = 0;
  Object.assign(messages, {
    listSentLater: (page: SentLaterPage) => {
      asked++;
      return ask(page);
    },
  });
  const clock = { ...systemClock, wall: () => NOW, monotonic: () => 0 };
  await new SetBackClock({ store, clock }).correct();
  expect(asked).toBe(1);
});

test("all of many messages are found", async () => {
  const many = Array.from({ length: 250 }, (_, at) => message(`m${at}`, { dueAt: LATER + at }));
  const dueAt = Object.values(await dueTimes(many));
  expect(Math.max(...dueAt)).toBeLessThan(LATER);
});

test("a clock that goes back while the process runs is noticed, and is corrected once", async () => {
  const store = memoryStatestore();
  await store.open({ owner: "o" });
  let wall = LATER;
  const setBack = new SetBackClock({
    store,
    clock: { ...systemClock, wall: () => wall, monotonic: () => 0 },
  });
  await setBack.correct();
  await store.messages.send([message("m", { dueAt: LATER + 5_000 })]);
  const dueAt = async () => (await store.messages.list({ limit: 1 }))[0]?.dueAt;
  await setBack.correct();
  expect(await dueAt()).toBe(LATER + 5_000);
  wall = NOW;
  await setBack.correct();
  expect(await dueAt()).toBe(NOW + 5_000);
});
