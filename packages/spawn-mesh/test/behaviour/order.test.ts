/** One action at a time per actor, in mailbox order, reads included. */
import { describe, expect, test } from "vitest";
import { actor, read } from "spawn-mesh";
import { counter } from "./counter.ts";
import { failureOf, settled, startSystem, watched } from "./start-system.ts";

const journal: string[] = [];
const gates = new Map<string, () => void>();

/** Opens the gate at which an action of {@link slow} waits. */
async function open(gate: string): Promise<void> {
  gates.get(gate)?.();
  await settled();
}

const slow = actor("slow", {
  kind: "unnamed",
  state: () => ({ done: [] as string[] }),
  actions: {
    async work(ctx, name: string) {
      journal.push(`begin ${name}`);
      await new Promise<void>((resolve) => gates.set(name, resolve));
      ctx.state.done.push(name);
      journal.push(`end ${name}`);
      return ctx.state.done;
    },
    quick(ctx, name: string) {
      journal.push(`quick ${name}`);
      ctx.state.done.push(name);
      return ctx.state.done;
    },
    list: read((ctx) => ctx.state.done),
  },
});

describe("the actions of one actor", () => {
  test("run one at a time in the order of their calls, also asynchronous ones and reads", async () => {
    journal.length = 0;
    const { system } = await startSystem([slow]);
    const ref = system.actor(slow, "a");
    const calls = [ref.work("1"), ref.quick("2"), ref.list(), ref.work("3"), ref.get()] as const;
    await settled();
    expect(journal).toEqual(["begin 1"]);
    await open("1");
    expect(journal).toEqual(["begin 1", "end 1", "quick 2", "begin 3"]);
    await open("3");
    expect(await Promise.all(calls)).toEqual([
      ["1"],
      ["1", "2"],
      ["1", "2"],
      ["1", "2", "3"],
      { done: ["1", "2", "3"] },
    ]);
  });

  test("do not wait for those of other actors", async () => {
    journal.length = 0;
    const { system } = await startSystem([slow]);
    const first = system.actor(slow, "a").work("held");
    expect(await system.actor(slow, "b").quick("free")).toEqual(["free"]);
    await open("held");
    expect(await first).toEqual(["held"]);
  });

  test("never begin before the call has returned its promise", async () => {
    journal.length = 0;
    const { system } = await startSystem([slow]);
    await system.actor(slow, "a").quick("warm");
    const call = system.actor(slow, "a").quick("now");
    journal.push("called");
    await call;
    expect(journal).toEqual(["quick warm", "called", "quick now"]);
  });

  test("are the same actor for every reference to the name, and others for other definitions", async () => {
    const order = actor("order", {
      kind: "unnamed",
      state: () => ({ total: 0 }),
      actions: { add: (ctx, by: number) => (ctx.state.total += by) },
    });
    const { system } = await startSystem([counter, order]);
    expect(await system.actor(counter, "42").add(1)).toBe(1);
    expect(await system.actor(counter, "42").add(1)).toBe(2);
    expect(await system.actor(order, "42").add(10)).toBe(10);
    expect(await system.invoke("42", { definition: "counter", action: "add", payload: 1 })).toBe(3);
  });
});

describe("a read", () => {
  test("is answered after the commit of what it saw, and not before", async () => {
    const { system, store } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    await ref.add(1);
    const hold = store.hold("commit", { isApplied: true });
    const write = watched(ref.add(1));
    const reads = [watched(ref.peek()), watched(ref.get())];
    await settled();
    expect([write, ...reads].map(({ isSettled }) => isSettled)).toEqual([false, false, false]);
    hold.release();
    expect(await Promise.all(reads.map(({ promise }) => promise))).toEqual([2, { total: 2 }]);
  });

  test("that saw a change which was not committed runs again on what is", async () => {
    const { system, store } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    await ref.add(1);
    store.fail("commit", { kind: "capacity" });
    const [write, seen] = await Promise.all([failureOf(ref.add(5)), ref.peek()]);
    expect([write, seen]).toEqual(["STATESTORE_UNAVAILABLE no", 1]);
  });

  test("costs no access to the statestore when nothing is in flight", async () => {
    const { system, store } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    await ref.add(1);
    const before = [store.loadCount, store.groups.length];
    expect([await ref.peek(), await ref.get()]).toEqual([1, { total: 1 }]);
    expect([store.loadCount, store.groups.length]).toEqual(before);
  });

  test("that changes the state or the tags fails, and nothing has changed", async () => {
    const liar = actor("liar", {
      state: () => ({ list: [1] }),
      actions: {
        state: read((ctx) => (ctx.state.list as number[]).push(2)),
        tags: read((ctx) => ((ctx as { tags: object }).tags = { a: "b" })),
        show: read((ctx) => [ctx.state.list, ctx.tags]),
      },
    });
    const { system, store } = await startSystem([liar]);
    const ref = system.actor(liar);
    expect(await failureOf(ref.state())).toBe("ACTION_FAILED no");
    expect(await failureOf(ref.tags())).toBe("ACTION_FAILED no");
    expect(await ref.show()).toEqual([[1], {}]);
    expect(store.groups).toEqual([]);
  });
});

describe("the default reads", () => {
  test.each(["get", "Get", "get_state", "getState", "GetState"])(
    "%s answers the state without running code of the actor",
    async (action) => {
      const { system } = await startSystem([counter]);
      await system.actor(counter, "a").add(3);
      expect(await system.invoke("a", { definition: "counter", action })).toEqual({ total: 3 });
    },
  );

  test("are those of the actor where it defines them, and the others stay", async () => {
    const own = actor("own", {
      state: () => ({ secret: 1 }),
      actions: { get: read(() => "mine") },
    });
    const { system } = await startSystem([own]);
    expect(await system.actor(own).get()).toBe("mine");
    expect(await system.invoke("own", { action: "getState" })).toEqual({ secret: 1 });
  });

  test("are not there for an actor without a state", async () => {
    const echo = actor("echo", { actions: { say: (_ctx, text: string) => text } });
    const { system } = await startSystem([echo]);
    expect("get" in system.actor(echo)).toBe(false);
    expect(await failureOf(system.invoke("echo", { action: "get" }))).toBe("ACTION_NOT_FOUND no");
    expect(await system.actor(echo).say("hi")).toBe("hi");
  });
});
