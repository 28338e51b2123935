/** Messages come back as they were, whatever they look like. */
import assert from "node:assert";
import type { Message, MessageHeaders } from "../../engine/message-store.ts";
import { actorNamed, createActor, withStore } from "./commit-fixtures.ts";
import type { ConformanceCase, OpenStatestore } from "./conformance-case.ts";
import {
  ann,
  claim,
  idsOf,
  list,
  listParked,
  loadMessages,
  message,
  ordered,
  timer,
  waiting,
} from "./message-fixtures.ts";

const MIB = 1024 * 1024;
const LATEST_TIME = 8_640_000_000_000_000;

const planned = { everyMs: 1000, catchUp: "all", plannedAt: LATEST_TIME } as const;
const cron = { cron: "0 9 * * 1-5", timeZone: "Europe/Berlin", catchUp: "skip" } as const;

/** Headers with everything that may be in them. */
const headersOfAllKinds: readonly MessageHeaders[] = [
  { kind: "call" },
  { kind: "call", metadata: {}, repeat: planned },
  { kind: "call", repeat: { ...cron, plannedAt: 1 } },
  { kind: "step", hops: 31, rememberedBy: ann, metadata: JSON.parse('{"__proto__":"x","":"😀"}') },
  { kind: "broadcast", caller: ann, reached: { definition: "listener", name: "é'\"\\" } },
  { kind: "external", metadata: { text: 'line\nline\t"\u0000' } },
];

const payloads: readonly (string | null)[] = [
  null,
  "",
  '""',
  "null",
  "0",
  '"\\ud800 \\u0000"',
  '"ü € 😀 \u007f\u0085\u2028\ufeff"',
  `"${"x".repeat(MIB)}"`,
  `"${"ü€😀".repeat(MIB / 8)}"`,
];

const ids = [
  "a",
  "A",
  "b ",
  " b",
  "b",
  "0",
  "00",
  "null",
  "'",
  '"',
  "\\",
  "%",
  "_",
  "a/b:c.d-e_f",
  "x".repeat(128),
  `${"x".repeat(127)}y`,
  Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join(""),
];

const names = [
  "joe",
  "Joe",
  "joe ",
  "caf\u00e9",
  "cafe\u0301",
  "ß",
  "ss",
  "🦕",
  "%",
  "'",
  '"',
  "\\",
  // Twice it is the longest name that an actor can have.
  "🦕".repeat(128),
];

/** Sends the messages and demands that they come back as they were, wherever they are read. */
async function assertComeBack(open: OpenStatestore, sent: readonly Message[]): Promise<void> {
  await withStore(open, async (store) => {
    const [first, ...others] = sent;
    await createActor(store, ann, { sends: [first!] });
    await store.messages.send(others);
    const expected = byId(sent.map((one) => waiting(one)));
    const all = { wall: LATEST_TIME, retry: { firstMs: 1, maxMs: 1 } };
    assertSame(await loadMessages(store, idsOf(sent)), expected);
    assertSame(byId(await list(store)), expected);
    const claimed = byId(await claim(store, all));
    assertSame(
      claimed,
      expected.map((one) => ({ ...one, attempts: 1, dueAt: LATEST_TIME + 1 })),
    );
    await store.messages.park(
      sent.map((one) => ({ ...one, error: "why" })),
      LATEST_TIME,
    );
    const parked = { error: "why", parkedAt: LATEST_TIME };
    assertSame(
      byId(await listParked(store)),
      claimed.map((one) => ({ ...one, ...parked })),
    );
    await store.messages.retryParked(idsOf(sent), LATEST_TIME);
    assertSame(
      byId(await list(store)),
      expected.map((one) => ({ ...one, dueAt: LATEST_TIME })),
    );
  });
}

function byId<Listed extends { readonly id: string }>(listed: readonly Listed[]): Listed[] {
  return listed.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Large payloads are compared by hand: an assertion would print them. */
function assertSame(actual: readonly Message[], expected: readonly Message[]): void {
  assert.deepStrictEqual(actual.map(withoutPayload), expected.map(withoutPayload));
  for (const [index, { payload }] of actual.entries()) {
    const was = expected[index]?.payload;
    const shown = JSON.stringify(was).slice(0, 40);
    assert(payload === was, `the payload that begins with ${shown} did not come back as it was`);
  }
}

function withoutPayload(one: Message): unknown {
  return { ...one, payload: undefined };
}

export const messageValueCases: readonly ConformanceCase[] = [
  {
    name: "returns headers of every kind as they were",
    run: (open) =>
      assertComeBack(
        open,
        headersOfAllKinds.map((headers, index) => ordered(`m-${index}`, { headers })),
      ),
  },
  {
    name: "returns payloads as they were: none, empty, a mebibyte, any text",
    run: (open) =>
      assertComeBack(
        open,
        payloads.map((payload, index) => ordered(`m-${index}`, { payload })),
      ),
  },
  {
    name: "returns ids of 1 to 128 ASCII characters as they were, and takes none for another",
    run: (open) =>
      assertComeBack(
        open,
        ids.map((id) => ordered(id)),
      ),
  },
  {
    name: "returns sources, targets and actions as they were, and takes none for another",
    run: (open) =>
      assertComeBack(open, [
        // The first is sent by a commit of ann.
        ordered("from ann"),
        ...names.map((name, index) =>
          message(`m-${index}`, {
            source: actorNamed(name, `${name}${name}`, name),
            target: actorNamed(`${name}${name}`, name, name),
            action: name,
            isOrdered: true,
          }),
        ),
      ]),
  },
  {
    name: "returns flags and large numbers exactly",
    run: (open) =>
      assertComeBack(open, [
        ordered("a", { sentAt: LATEST_TIME, dueAt: LATEST_TIME }),
        timer("b", { sentAt: 0, dueAt: 0 }),
        timer("c", { isOrdered: true, sentAt: 2 ** 31, dueAt: 2 ** 32 + 1 }),
        message("d", { source: ann }),
      ]),
  },
];
