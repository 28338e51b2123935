import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { Admission } from "./admission.ts";
import type { ActionDefinition } from "../actor-definition.ts";
import type { ActorId } from "../actor-id.ts";
import { Invocation } from "./invocation.ts";
import type { InvocationDetails } from "./invocation.ts";
import { resolveLimits } from "../limits.ts";

const actor: ActorId = { system: "s", definition: "d", name: "n" };
const nothingWaits = { id: actor, queueLength: 0, queueUnits: 0 };
const action: ActionDefinition = {
  name: "a",
  isRead: false,
  parse: undefined,
  run: () => undefined,
};

function invocation(details?: Partial<InvocationDetails>): Invocation {
  const all: InvocationDetails | undefined = details && {
    idempotencyKey: undefined,
    fingerprint: "",
    metadata: {},
    caller: undefined,
    chain: [],
    message: undefined,
    ...details,
  };
  return new Invocation(
    { action, payload: undefined, units: 10, deadlineAt: 1_000, details: all },
    { resolve: () => undefined, reject: () => undefined },
  );
}

/** A clock that is late by `lagMs` whenever somebody looks. */
function lateClock(lagMs: () => number): VirtualClock {
  const clock = new VirtualClock();
  const monotonic = clock.monotonic.bind(clock);
  clock.monotonic = () => monotonic() + lagMs();
  return clock;
}

function fill(admission: Admission, count: number): void {
  for (let entered = 0; entered < count; entered++) admission.enter(nothingWaits, invocation());
}

test("refuses what a full mailbox cannot hold, by number and by size", () => {
  const limits = resolveLimits({ mailboxLengthMax: 2, mailboxUnitsMax: 25 });
  const admission = new Admission(new VirtualClock(), limits, () => 0);

  expect(() => admission.enter({ id: actor, queueLength: 2, queueUnits: 0 }, invocation())).toThrow(
    "OVERLOADED",
  );
  expect(() =>
    admission.enter({ id: actor, queueLength: 1, queueUnits: 16 }, invocation()),
  ).toThrow("OVERLOADED");
  expect(() =>
    admission.enter({ id: actor, queueLength: 1, queueUnits: 15 }, invocation()),
  ).not.toThrow();
});

test("lets one invocation wait that is larger than all that may wait together", () => {
  const admission = new Admission(
    new VirtualClock(),
    resolveLimits({ mailboxUnitsMax: 9 }),
    () => 0,
  );
  expect(() => admission.enter(nothingWaits, invocation())).not.toThrow();
  const one = { id: actor, queueLength: 1, queueUnits: 10 };
  expect(() => admission.enter(one, invocation())).toThrow("OVERLOADED");
});

test("refuses when the whole system is full, and takes calls again when there is room", () => {
  const admission = new Admission(new VirtualClock(), resolveLimits({ queuedMax: 3 }), () => 0);
  fill(admission, 3);

  expect(() => admission.enter(nothingWaits, invocation())).toThrow("OVERLOADED");
  admission.leave(1);
  expect(() => admission.enter(nothingWaits, invocation())).not.toThrow();
});

test("a nearly full heap turns calls from outside away while much waits, but not those of actors", async () => {
  const clock = new VirtualClock();
  let heapPercent = 90;
  const admission = new Admission(clock, resolveLimits({ queuedMax: 100 }), () => heapPercent);
  fill(admission, 11);
  await clock.advance(1_000);
  expect(() => admission.enter(nothingWaits, invocation())).toThrow("of the heap");
  expect(() => admission.enter(nothingWaits, invocation({ caller: actor }))).not.toThrow();

  heapPercent = 10;
  await clock.advance(1_000);
  expect(() => admission.enter(nothingWaits, invocation())).not.toThrow();
  admission.stop();
});

test("a late event loop turns nobody away while little waits", async () => {
  let lagMs = 0;
  const clock = lateClock(() => lagMs);
  const admission = new Admission(clock, resolveLimits({ queuedMax: 100 }), () => 0);
  fill(admission, 11);
  lagMs = 500;
  await clock.advance(100);
  expect(() => admission.enter(nothingWaits, invocation())).toThrow("ms late");
  admission.leave(5);
  expect(() => admission.enter(nothingWaits, invocation())).not.toThrow();
  admission.stop();
});

test("an idle process is not looked at", async () => {
  const clock = new VirtualClock();
  const admission = new Admission(clock, resolveLimits({ queuedMax: 100 }), () => 0);
  fill(admission, 11);
  expect(clock.pending).toBe(1);
  admission.leave(5);
  await clock.advance(1_000);
  expect(clock.pending).toBe(0);
});

test("a late event loop turns nobody away long after, when much waits again", async () => {
  let lagMs = 0;
  const clock = lateClock(() => lagMs);
  const admission = new Admission(clock, resolveLimits({ queuedMax: 100 }), () => 0);
  fill(admission, 11);
  lagMs = 500;
  admission.leave(11);
  await clock.advance(100);
  lagMs = 0;
  await clock.advance(60_000);
  fill(admission, 11);
  expect(() => admission.enter(nothingWaits, invocation())).not.toThrow();
  admission.stop();
});
