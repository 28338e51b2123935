/** The checkers of messages on small histories: each wrong in one way, and one that is right. */
import { describe, expect, test } from "vitest";
import type { Message } from "../../../src/engine/message-store.ts";
import { EMPTY } from "../posts.ts";
import type { PostPayload } from "../posts.ts";
import type { AppliedCommit, MessageEvent, MessageRun } from "../run-log.ts";
import { CHANNEL } from "../../../src/engine/messages/sending.ts";
import { checkBroadcasts } from "./broadcasts.ts";
import { checkCancels } from "./cancels.ts";
import { checkDeliveries } from "./deliveries.ts";
import { checkEffects } from "./effects.ts";
import { checkLanes } from "./lanes.ts";
import { checkTicks } from "./ticks.ts";

const system = "simulation";
function payload(value: string, changes: Partial<PostPayload> = {}): PostPayload {
  return { ...EMPTY, value, ...changes };
}

/** A message from `post/a` to `post/b`. */
function message(value: string, changes: Partial<Message> & Partial<PostPayload> = {}): Message {
  const { mode = "plain", isLater = false, cancels = [], ...rest } = changes;
  return {
    id: value,
    source: { system, definition: "post", name: "a" },
    target: { system, definition: "post", name: "b" },
    action: "post",
    payload: JSON.stringify(payload(value, { mode, isLater, cancels })),
    headers: { kind: "call" },
    isOrdered: true,
    isTimer: false,
    sentAt: 0,
    dueAt: 0,
    ...rest,
  };
}

function repeated(plannedAt: number, catchUp: "skip" | "one" | "all" = "one"): Message {
  const headers = { kind: "call", repeat: { everyMs: 10, catchUp, plannedAt } } as const;
  return message("x/1", { headers, dueAt: plannedAt, isOrdered: false });
}

function event(sequence: number, type: MessageEvent["type"], of: Message): MessageEvent {
  return { sequence, at: sequence, type, message: of, etag: undefined };
}

/** As {@link event}, in the commit `etag`. */
function inCommit(etag: string, happened: MessageEvent): MessageEvent {
  return { ...happened, etag };
}

/** The commit `etag` of `post/<name>`, after which its list is `items`. */
function commit(sequence: number, name: string, items: readonly string[]): AppliedCommit {
  return {
    sequence,
    at: sequence,
    owner: "p1",
    actor: `post/${name}`,
    role: "post",
    commit: {
      actor: { system, definition: "post", name },
      handle: 0,
      previous: undefined,
      etag: `e${sequence}`,
      revision: sequence,
      state: JSON.stringify({ items }),
      codec: "json",
      stateVersion: 1,
      tags: undefined,
      at: 0,
      isDelete: false,
      revisionsKept: 0,
      replies: [],
      cancels: [],
      consumes: [],
      sends: [],
    },
  };
}

describe("what a commit does, consumes and sends (I6)", () => {
  const to = { role: "post", name: "b" } as const;
  const errands = [{ to, options: {}, payload: payload("x/1") }];
  const asked = new Map([["x", payload("x", { errands })]]);
  const sent = inCommit("e1", event(2, "sent", message("x/1")));
  const done = inCommit("e3", event(4, "consumed", message("x/1")));
  const both = [commit(1, "a", ["x"]), commit(3, "b", ["x/1"])];
  const broken = (applied: readonly AppliedCommit[], messages: readonly MessageEvent[]) =>
    checkEffects({ applied, messages, asked }).map(({ what }) => what);

  test("is one, when all is right", () => {
    expect(broken(both, [sent, done])).toEqual([]);
  });
  test("is broken by a message that is not sent", () => {
    expect(broken([both[0]!], [])).toEqual(["revision 1 of post/a did not send x/1"]);
  });
  test("is broken by a message that is sent for no reason", () => {
    expect(broken([commit(1, "a", [])], [sent])).toEqual([
      "revision 1 of post/a sent x/1 for no reason",
    ]);
  });
  test("is broken by an action that ran and consumed nothing", () => {
    expect(broken(both, [sent])).toEqual(["revision 3 of post/b did x/1, but did not consume it"]);
  });
  test("is broken by a message that was consumed and did not run", () => {
    expect(broken([both[0]!, commit(3, "b", [])], [sent, done])).toEqual([
      "revision 3 of post/b consumed x/1, but did not do it",
    ]);
  });
});

describe("what becomes of a message", () => {
  const nothing = {
    operations: [],
    applied: [],
    messages: [],
    runs: [],
    cancelled: new Set<string>(),
    acknowledged: new Set<string>(),
    outside: new Map<string, { ids: Set<string>; doneAt: number | undefined }>(),
    setBacks: [],
    isCalm: false,
    asked: new Map<string, PostPayload>(),
  };
  const broken = (history: Partial<Parameters<typeof checkDeliveries>[0]>) =>
    checkDeliveries({ ...nothing, ...history }).map(({ invariant }) => invariant);
  const run = (sequence: number, item = "x/1"): MessageRun => ({
    sequence,
    at: sequence,
    actor: "post/b",
    item,
  });

  test("I9 is broken by a delivery before it is stored", () => {
    const messages = [event(2, "sent", message("x/1"))];
    expect(broken({ messages, runs: [run(3)] })).toEqual([]);
    expect(broken({ messages, runs: [run(1)] })).toEqual(["I9"]);
  });
  test("I14 is broken by a delivery before its time", () => {
    const messages = [event(2, "sent", message("x/1", { isLater: true, dueAt: 9 }))];
    expect(broken({ messages, runs: [run(9)] })).toEqual([]);
    expect(broken({ messages, runs: [run(8)] })).toEqual(["I14"]);
    expect(broken({ messages, runs: [run(8)], setBacks: [7] })).toEqual([]);
    expect(broken({ messages, runs: [run(8)], setBacks: [9] })).toEqual(["I14"]);
  });
  test("I6 is broken by an end that nobody wanted", () => {
    const removed = [event(2, "removed", message("x/1"))];
    expect(broken({ messages: removed })).toEqual(["I6"]);
    expect(broken({ messages: removed, cancelled: new Set(["x/1"]) })).toEqual([]);
    expect(broken({ messages: [event(2, "replaced", message("x/1"))] })).toEqual(["I6"]);
    expect(broken({ messages: [event(2, "replaced", message("x/1", { mode: "fail" }))] })).toEqual(
      [],
    );
  });
  test("I6 is broken by a message that is consumed twice", () => {
    const consumed = event(2, "consumed", message("x/1"));
    expect(broken({ messages: [consumed, { ...consumed, sequence: 3 }] })).toEqual(["I6"]);
  });
  test("I6 is broken by an innocent message that is given up", () => {
    const messages = [event(2, "parked", message("x/1"))];
    expect(broken({ messages })).toEqual([]);
    expect(broken({ messages, isCalm: true })).toEqual(["I6"]);
  });
  test("I6 is broken by a message that was acknowledged and is not there", () => {
    expect(broken({ acknowledged: new Set(["x/1"]) })).toEqual(["I6"]);
  });
  test("I6 is broken by something outside that ends before it is done, or has two ids", () => {
    const messages = [event(3, "replaced", message("x/1", { headers: { kind: "external" } }))];
    const doneAt = (at: number | undefined, ...ids: string[]) => ({
      messages,
      outside: new Map([["x/1", { ids: new Set(ids), doneAt: at }]]),
    });
    expect(broken(doneAt(2, "x/1"))).toEqual([]);
    expect(broken(doneAt(4, "x/1"))).toEqual(["I6"]);
    expect(broken(doneAt(undefined, "x/1"))).toEqual(["I6"]);
    expect(broken(doneAt(2, "x/1", "another"))).toEqual(["I6"]);
  });
  test("I5 is broken by a step that is taken twice", () => {
    const applied = [commit(1, "a", ["x>1"]), commit(2, "b", ["x>1"])];
    expect(broken({ applied })).toEqual(["I5"]);
  });
});

describe("what an action cancels (I6)", () => {
  const cancels = [{ value: "x/1", id: "x/1" }];
  const asked = new Map([
    [
      "x",
      payload("x", {
        errands: [{ to: { role: "post", name: "b" }, options: {}, payload: payload("x/1") }],
      }),
    ],
    ["y", payload("y", { cancels })],
  ]);
  const sent = inCommit("e1", event(2, "sent", message("x/1")));
  const gone = inCommit("e3", event(4, "cancelled", message("x/1")));
  const [before, after] = [commit(1, "a", ["x"]), commit(3, "a", ["x", "y"])];
  const broken = (applied: readonly AppliedCommit[], ...messages: readonly MessageEvent[]) =>
    checkCancels({ applied, messages, asked }).map(({ what }) => what);

  test("is gone with its commit", () => {
    expect(broken([before, after], sent, gone)).toEqual([]);
  });
  test("may be done before, or not sent at all, or sent by an action behind it", () => {
    const done = inCommit("e2", event(3, "consumed", message("x/1")));
    const late = [commit(1, "a", ["x"]), commit(4, "a", ["x", "y"])];
    expect(broken(late, sent, done)).toEqual([]);
    expect(broken([commit(1, "a", ["x", "y"])])).toEqual([]);
    expect(broken([commit(1, "a", ["y", "x"])], sent)).toEqual([]);
  });
  test("does not wait on", () => {
    const what = "in revision 3 of post/a y cancelled x/1, which goes on";
    expect(broken([before, after], sent)).toEqual([what]);
  });
  test("is not sent by the commit that cancels it", () => {
    const what = "in revision 1 of post/a y cancelled x/1, which goes on";
    expect(broken([commit(1, "a", ["x", "y"])], sent)).toEqual([what]);
  });
  test("is not done behind it in the same commit", () => {
    const done = inCommit("e3", event(4, "consumed", message("x/1")));
    const what = "in revision 3 of post/a y cancelled x/1, which goes on";
    expect(broken([before, commit(3, "a", ["x", "x/1", "y"])], sent, done)).toEqual([]);
    expect(broken([before, commit(3, "a", ["x", "y", "x/1"])], sent, done)).toEqual([what]);
  });
  test("is wanted by an action of the commit", () => {
    const what = "revision 3 of post/a cancelled x/1 for no reason";
    expect(broken([before, commit(3, "a", ["x", "z"])], sent, gone)).toEqual([what]);
  });
  test("is not done by anybody afterwards", () => {
    const claimed = event(5, "claimed", message("x/1"));
    const what = "x/1 was cancelled, and then claimed";
    expect(broken([before, after], sent, gone, claimed)).toEqual([what]);
  });
});

describe("what is told to a channel (I6)", () => {
  const headers = { kind: "broadcast" } as const;
  const broadcast = message("x/0", { headers });
  const source = { system, definition: CHANNEL, name: "news" };
  const toOne = message("x/0", { source });
  const listeners = [commit(1, "b", []), commit(5, "late", [])];
  const broken = (...told: readonly MessageEvent[]) =>
    checkBroadcasts({
      applied: listeners,
      messages: [event(2, "sent", broadcast), ...told],
    }).map(({ what }) => what);

  test("is told to everybody who was there, or to nobody yet", () => {
    expect(broken(event(3, "replaced", broadcast), event(4, "sent", toOne))).toEqual([]);
    expect(broken()).toEqual([]);
    const rest = event(4, "sent", broadcast);
    expect(broken(event(3, "replaced", broadcast), rest)).toEqual([]);
  });
  test("is broken when somebody is not told, or twice", () => {
    const over = event(3, "replaced", broadcast);
    expect(broken(over)).toEqual(["x/0 was not told to post/b"]);
    expect(broken(over, event(4, "sent", toOne), event(5, "sent", toOne))).toEqual([
      "x/0 was told to post/b more than once",
    ]);
  });
});

describe("the order of a lane (I7)", () => {
  const [first, second] = [message("x/1"), message("x/2")];
  const sent = [event(1, "sent", first), event(2, "sent", second)];
  const broken = (...then: readonly MessageEvent[]) =>
    checkLanes({ messages: [...sent, ...then] }).map(({ invariant }) => invariant);

  test("is kept by one after the other", () => {
    expect(broken(event(3, "consumed", first), event(4, "consumed", second))).toEqual([]);
  });
  test("is broken by the second before the first", () => {
    expect(broken(event(3, "consumed", second), event(4, "consumed", first))).toEqual(["I7"]);
  });
  test("is kept by one that is replaced by itself, and broken when the second ends before that", () => {
    const goesOn = [event(3, "replaced", first), event(4, "sent", { ...first, sentAt: 1 })];
    const ends = event(6, "replaced", { ...first, sentAt: 1 });
    expect(broken(...goesOn, ends, event(7, "consumed", second))).toEqual([]);
    expect(broken(...goesOn, event(5, "consumed", second), ends)).toEqual(["I7"]);
  });
  test("is not broken when the first was given up or cancelled", () => {
    expect(broken(event(3, "parked", first), event(4, "consumed", second))).toEqual([]);
    expect(broken(event(3, "removed", first), event(4, "consumed", second))).toEqual([]);
    const later = [event(5, "retried", first), event(6, "consumed", first)];
    expect(broken(event(3, "parked", first), event(4, "consumed", second), ...later)).toEqual([]);
  });
});

describe("planned times (I14)", () => {
  const broken = (
    applied: readonly AppliedCommit[],
    messages: readonly MessageEvent[],
    setBacks: readonly number[] = [],
  ) =>
    checkTicks({ applied, messages, asked: new Map(), setBacks }).map(({ invariant }) => invariant);
  const follows = (next: Message) => [
    inCommit("e0", event(1, "sent", repeated(10))),
    inCommit("e1", event(2, "consumed", repeated(10))),
    inCommit("e1", event(3, "sent", next)),
  ];

  test("are each in one commit", () => {
    const once = [commit(1, "b", ["x/1@10"]), commit(2, "b", ["x/1@10", "x/1@20"])];
    expect(broken(once, [])).toEqual([]);
    expect(broken([...once, commit(3, "b", ["x/1@10", "x/1@20", "x/1@10"])], [])).toEqual(["I14"]);
  });
  test("follow one another as planned", () => {
    expect(broken([], follows(repeated(20)))).toEqual([]);
    expect(broken([], follows(repeated(40)))).toEqual([]);
    expect(broken([], follows(repeated(25)))).toEqual(["I14"]);
    expect(broken([], follows(repeated(10)))).toEqual(["I14"]);
  });
  test("follow one another as a cron expression says", () => {
    const at = (plannedAt: number, catchUp: "one" | "all" = "one"): Message => {
      const headers = {
        kind: "call",
        repeat: { cron: "*/2 * * * * *", timeZone: "UTC", catchUp, plannedAt },
      } as const;
      return message("x/1", { headers, dueAt: plannedAt, isOrdered: false });
    };
    const then = (next: Message) => [
      inCommit("e0", event(1, "sent", at(2_000))),
      inCommit("e1", event(2, "consumed", at(2_000))),
      inCommit("e1", event(3, "sent", next)),
    ];
    expect(broken([], then(at(4_000)))).toEqual([]);
    expect(broken([], then(at(8_000)))).toEqual([]);
    expect(broken([], then(at(5_000)))).toEqual(["I14"]);
    expect(broken([], then(at(2_000)))).toEqual(["I14"]);
    expect(broken([], then(at(8_000, "all")))).toEqual(["I14"]);
  });
  test("are planned anew when the clock was set back meanwhile", () => {
    expect(broken([], follows(repeated(7)), [2.5])).toEqual([]);
    expect(broken([], follows(repeated(7)), [3.5])).toEqual(["I14"]);
  });
  test("leave none out, if all are wanted", () => {
    expect(broken([], follows(repeated(20, "all")))).toEqual([]);
    expect(broken([], follows(repeated(30, "all")))).toEqual(["I14"]);
  });
  test("do not end with one of them", () => {
    expect(broken([], follows(repeated(20)).slice(0, 2))).toEqual(["I14"]);
  });
});
