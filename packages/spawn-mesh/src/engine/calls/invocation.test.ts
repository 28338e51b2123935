import { describe, expect, test } from "vitest";
import { SpawnError } from "../errors.ts";
import { Invocation } from "./invocation.ts";

/** An invocation that notes what its caller is told, and when its work has ended. */
function watchedInvocation(idempotencyKey?: string) {
  const told: string[] = [];
  const action = { name: "act", isRead: false, parse: undefined, run: () => undefined };
  const details =
    idempotencyKey === undefined
      ? undefined
      : {
          idempotencyKey,
          fingerprint: "",
          metadata: {},
          caller: undefined,
          chain: [],
          message: undefined,
        };
  const invocation = new Invocation(
    { action, payload: undefined, units: 0, deadlineAt: 10, details },
    {
      resolve: (reply) => told.push(`reply ${String(reply)}`),
      reject: ({ code, applied }) => told.push(`${code} ${applied}`),
    },
  );
  invocation.onAnswered(() => told.push("answered"));
  invocation.onDone(() => told.push("done"));
  return { invocation, told };
}

describe("an invocation", () => {
  test("is answered once and done once, whatever comes later", () => {
    const { invocation, told } = watchedInvocation();
    invocation.succeed(5);
    invocation.succeed(6);
    invocation.fail(new SpawnError("INTERNAL", "late"));
    invocation.giveUp("CANCELLED", "late");
    invocation.end();
    expect(told).toEqual(["reply 5", "answered", "done"]);
  });

  test("whose caller has given up is done later, and the caller learns no more", () => {
    const { invocation, told } = watchedInvocation();
    invocation.giveUp("DEADLINE_EXCEEDED", "late");
    expect(told).toEqual(["DEADLINE_EXCEEDED no", "answered"]);
    invocation.succeed(5);
    expect(told).toEqual(["DEADLINE_EXCEEDED no", "answered", "done"]);
  });

  test("is certainly not applied until it is handed to a commit", () => {
    const { invocation, told } = watchedInvocation();
    invocation.handOver("reply");
    invocation.isChange = true;
    invocation.takeBack();
    invocation.giveUp("CANCELLED", "late");
    expect(told[0]).toBe("CANCELLED no");
  });

  test("is unknown from then on, if it changed something", () => {
    const { invocation, told } = watchedInvocation();
    invocation.isChange = true;
    invocation.handOver("reply");
    invocation.giveUp("CANCELLED", "late");
    expect(told[0]).toBe("UNKNOWN_OUTCOME unknown");
    const read = watchedInvocation();
    read.invocation.handOver("reply");
    read.invocation.giveUp("CANCELLED", "late");
    expect(read.told[0]).toBe("CANCELLED no");
  });

  test("with a key is unknown until the key was looked up: an earlier call may have been applied", () => {
    const { invocation, told } = watchedInvocation("k");
    expect(invocation.appliedBefore).toBe("unknown");
    invocation.isNew = true;
    expect(invocation.appliedBefore).toBe("no");
    invocation.takeBack();
    invocation.giveUp("CANCELLED", "late");
    expect(told[0]).toBe("CANCELLED unknown");
  });
});
