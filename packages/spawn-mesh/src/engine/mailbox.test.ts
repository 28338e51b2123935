import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Invocation } from "./invocation.ts";
import { Mailbox } from "./mailbox.ts";

function invocation(units: number): Invocation {
  const action = { name: "act", isRead: false, parse: undefined, run: () => undefined };
  return new Invocation(
    { action, payload: undefined, units, deadlineAt: Infinity, details: undefined },
    { resolve: () => undefined, reject: () => undefined },
  );
}

describe("a mailbox", () => {
  test("does what an array does, and knows its length and size", () => {
    const command = fc.oneof(
      fc.record({ type: fc.constant("push" as const), units: fc.nat(100) }),
      fc.record({ type: fc.constant("shift" as const) }),
      fc.record({ type: fc.constant("takeAll" as const) }),
      fc.record({ type: fc.constant("pushFront" as const), count: fc.nat(3) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const mailbox = new Mailbox();
        let model: Invocation[] = [];
        for (const step of commands) {
          if (step.type === "push") {
            const next = invocation(step.units);
            mailbox.enqueue(next);
            model.push(next);
          } else if (step.type === "shift") {
            expect(mailbox.dequeue()).toBe(model.shift());
          } else if (step.type === "takeAll") {
            expect(mailbox.dequeueAll()).toEqual(model);
            model = [];
          } else {
            const again = Array.from({ length: step.count }, () => invocation(1));
            mailbox.enqueueFirst(again);
            model = [...again, ...model];
          }
          expect([...mailbox.queued()]).toEqual(model);
          expect(mailbox.firstQueued).toBe(model[0]);
          expect([mailbox.queueLength, mailbox.queueUnits]).toEqual([
            model.length,
            model.reduce((sum, { units }) => sum + units, 0),
          ]);
        }
      }),
    );
  });

  test("lets go of what it gave away", () => {
    const mailbox = new Mailbox();
    const [first, second] = [invocation(1), invocation(1)];
    mailbox.enqueue(first);
    mailbox.enqueue(second);
    expect(mailbox.dequeue()).toBe(first);
    expect(first.following).toBeUndefined();
  });
});
