/** Payloads, replies and states cross the boundary of an actor by value. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { settled, startSystem } from "./start-system.ts";

interface Item {
  readonly tags: string[];
}

const box = actor("box", {
  kind: "unnamed",
  state: () => ({ items: [] as Item[], count: 0 }),
  actions: {
    put(ctx, items: Item[]) {
      ctx.state.items = items;
      return ctx.state;
    },
    append(ctx, item: Item) {
      ctx.state.items.push(item);
      return ctx.state.items.length;
    },
    next(ctx) {
      ctx.state.count++;
      return ctx.state;
    },
    spoil(_ctx, items: Item[]) {
      items.push({ tags: ["from the action"] });
      items[0]!.tags.push("spoiled");
      return items;
    },
  },
});

describe("a payload", () => {
  test("is copied at the call: what the caller changes later does not arrive", async () => {
    const { system } = await startSystem([box]);
    const items = [{ tags: ["a"] }];
    const call = system.actor(box, "a").put(items);
    items[0]!.tags.push("later");
    items.push({ tags: [] });
    expect((await call).items).toEqual([{ tags: ["a"] }]);
    items[0]!.tags.push("even later");
    expect((await system.actor(box, "a").get()).items).toEqual([{ tags: ["a"] }]);
  });

  test("is the action's own: what it changes does not reach the caller", async () => {
    const { system } = await startSystem([box]);
    const items = Object.freeze([Object.freeze({ tags: ["a"] })]) as Item[];
    expect(await system.actor(box, "a").spoil(items)).toHaveLength(2);
    expect(items).toEqual([{ tags: ["a"] }]);
  });

  test("is the same again when its action has to run again, whatever became of it the first time", async () => {
    const { system, store } = await startSystem([box]);
    const ref = system.actor(box, "a");
    await ref.next();
    const hold = store.hold("commit");
    store.fail("commit", { kind: "capacity" });
    const lost = ref.next().catch(() => "lost");
    await settled();
    // Both run on top of a commit that fails, so both run again; the state held the payload of the first.
    const put = ref.put([{ tags: ["put"] }]);
    const append = ref.append({ tags: ["appended"] });
    await settled();
    hold.release();
    expect(await lost).toBe("lost");
    expect(await append).toBe(2);
    expect((await put).items).toEqual([{ tags: ["put"] }]);
    expect((await ref.get()).items).toEqual([{ tags: ["put"] }, { tags: ["appended"] }]);
  });
});

describe("a reply", () => {
  test("is copied when the action returns: 64 calls in flight never see later states", async () => {
    const { system } = await startSystem([box]);
    const ref = system.actor(box, "a");
    const replies = await Promise.all(Array.from({ length: 64 }, () => ref.next()));
    expect(replies.map(({ count }) => count)).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    replies[63]!.count = -1;
    replies[0]!.items.push({ tags: ["from outside"] });
    expect(await ref.get()).toEqual({ items: [], count: 64 });
  });

  test("of the default read belongs to the caller", async () => {
    const { system } = await startSystem([box]);
    const ref = system.actor(box, "a");
    await ref.put([{ tags: ["a"] }]);
    (await ref.get()).items[0]!.tags.push("from outside");
    expect((await ref.get()).items).toEqual([{ tags: ["a"] }]);
  });
});

describe("a state", () => {
  test("is its actor's own, also when the factory gives the same object to all", async () => {
    const shared = { list: [] as number[] };
    const sharing = actor("sharing", {
      kind: "unnamed",
      state: () => shared,
      actions: { push: (ctx, n: number) => ctx.state.list.push(n) },
    });
    const { system } = await startSystem([sharing]);
    expect(await system.actor(sharing, "a").push(1)).toBe(1);
    expect(await system.actor(sharing, "b").push(1)).toBe(1);
    expect(shared).toEqual({ list: [] });
  });

  test("is a plain value after a restart exactly as before it", async () => {
    const odd = {
      zero: -0,
      text: "\u2028\ud800 é 🙂",
      big: 2 ** 53 + 1,
      nothing: null,
      deep: [[{}]],
    };
    const keeper = actor("keeper", {
      state: () => ({ kept: null as unknown }),
      actions: {
        keep(ctx, value: typeof odd) {
          ctx.state.kept = value;
          return value;
        },
      },
    });
    const { system, clock } = await startSystem([keeper]);
    const reply = await system.actor(keeper).keep(odd);
    const before = await system.actor(keeper).get();
    await clock.advance(60_000);
    const after = await system.actor(keeper).get();
    const expected = { ...odd, zero: 0 };
    expect([reply, before, after]).toStrictEqual([
      expected,
      { kept: expected },
      { kept: expected },
    ]);
  });
});
