import { describe, expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import { FaultyStatestore } from "../../testing/faulty-statestore.ts";
import { seededRandom } from "../../testing/seeded-random.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { Invocation } from "./invocation.ts";
import { KeyedInvocations, answerStored } from "./keyed-invocations.ts";
import { defaultLimits } from "../limits.ts";
import { Loader } from "../activations/loader.ts";

function keyed(idempotencyKey: string, told: string[]): Invocation {
  const action = { name: "act", isRead: false, parse: undefined, run: () => undefined };
  const details = {
    idempotencyKey,
    fingerprint: "f",
    metadata: {},
    caller: undefined,
    chain: [],
    message: undefined,
  };
  return new Invocation(
    { action, payload: undefined, units: 0, deadlineAt: Infinity, details },
    {
      resolve: (reply) => told.push(`reply ${JSON.stringify(reply)}`),
      reject: ({ code, applied }) => told.push(`${code} ${applied}`),
    },
  );
}

async function keyedInvocations() {
  const store = new FaultyStatestore(memoryStatestore());
  await store.open({ owner: "me" });
  const clock = new VirtualClock();
  const parts = { store, clock, random: seededRandom(1), emit: () => undefined };
  const again: Invocation[] = [];
  const seen = { lookedUp: 0 };
  const owner = {
    id: { system: "s", definition: "d", name: "n" },
    comesAgain: (invocation: Invocation) => again.push(invocation),
    lookedUp: () => seen.lookedUp++,
  };
  const loader = new Loader({ ...parts, limits: defaultLimits });
  return {
    store,
    clock,
    again,
    seen,
    invocations: new KeyedInvocations(owner, loader, () => undefined),
  };
}

describe("invocations with one key", () => {
  test("stand aside while one is at work, and come again when it has ended", async () => {
    const { invocations, again } = await keyedInvocations();
    const [first, second, third, other] = ["k", "k", "k", "l"].map((key) => keyed(key, []));
    expect([first, second, third, other].map((each) => invocations.admit(each!))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect([[...invocations.aside()], invocations.asideCount]).toEqual([[second, third], 2]);
    first!.end();
    expect([again, invocations.asideCount]).toEqual([[second, third], 0]);
    expect(invocations.admit(second!)).toBe(true);
  });
});

describe("a lookup", () => {
  test("is made once, however often it is asked for, and says that the key is new", async () => {
    const { invocations, clock, store, seen } = await keyedInvocations();
    const invocation = keyed("k", []);
    invocations.lookUp(invocation);
    invocations.lookUp(invocation);
    await clock.advance(0);
    expect([invocation.isNew, store.loadCount, seen.lookedUp]).toEqual([true, 1, 1]);
  });

  test("that fails leaves unknown what an earlier call did", async () => {
    const { invocations, clock, store, seen } = await keyedInvocations();
    const told: string[] = [];
    store.fail("load", { kind: "fatal" });
    invocations.lookUp(keyed("k", told));
    await clock.advance(0);
    expect([told, seen.lookedUp]).toEqual([["STATESTORE_UNAVAILABLE unknown"], 1]);
  });
});

describe("a stored reply", () => {
  test.each<[string, string | null | undefined, string, string]>([
    ["with a reply", '{"a":1}', "f", 'reply {"a":1}'],
    ["without one", null, "f", "reply undefined"],
    ["too large to be kept", undefined, "f", "PAYLOAD_TOO_LARGE yes"],
    ["of another request", "1", "g", "IDEMPOTENCY_CONFLICT no"],
    ["that is damaged", "{", "f", "STATE_CORRUPT yes"],
  ])("%s is told as it was", (...[, reply, fingerprint, answer]) => {
    const told: string[] = [];
    const stored = { key: "k", fingerprint, kind: "reply", reply, expiresAt: 0 } as const;
    answerStored(keyed("k", told), stored, () => undefined);
    expect(told).toEqual([answer]);
  });
});
