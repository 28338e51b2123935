/** A system from a stream: what it has then, what may be repeated, and what never starts. */
import { createReadStream } from "node:fs";
import { describe, expect, test } from "vitest";
import { StoreFailure, type Statestore } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { FaultyStatestore } from "spawn-mesh/testing";
import { importSystem } from "spawn-mesh/transfer";
import type { UnreadableRow } from "spawn-mesh/transfer";
import {
  actorNamed,
  apply,
  firstCommit,
} from "../../../src/testing/statestore-cases/commit-fixtures.ts";
import { message } from "../../../src/testing/statestore-cases/message-fixtures.ts";
import { errorOf, failureOf, startSystem } from "../start-system.ts";
import { actors, cart, exported, filled, imported, NOT_STARTED, rowsOf, startOf } from "./shop.ts";

describe("an imported system", () => {
  test("has everything that was exported, and goes on from there", async () => {
    const store = await filled();
    const target = memoryStatestore();
    const done = await imported(target, await exported(store));
    const rows = { state: 3, revision: 2, reply: 2, message: 6, parked: 0 };
    expect(done).toMatchObject({ rows, wasThere: false });
    expect(await rowsOf(target)).toEqual(await rowsOf(store));

    const { system, clock } = await startSystem(actors, { name: "shop", inner: target });
    const once = { idempotencyKey: "k" };
    expect(await system.actor(cart, "ann").add("tea", once)).toBe(1);
    expect(await system.actor(cart, "ann").get()).toEqual({ items: ["tea", "pot"], got: 0 });
    expect(await system.actor(cart, "cat").get()).toEqual({ items: [], got: 0 });
    expect(await system.stored(cart, "ann").readRevision(1)).toEqual({ items: ["tea"], got: 0 });
    await clock.advance(120_000);
    expect((await system.actor(cart, "bob").get()).got).toBe(6);
  });

  test("lacks no more than the export has told of, however odd a row was", async () => {
    const store = await filled();
    await store.open({ owner: "somebody else" });
    const odd = actorNamed("odd", "cart", "shop");
    await apply(store, firstCommit(odd, { etag: "short", revision: 7 }));
    const target = { ...odd, name: "" };
    await store.messages.send([message("to nobody", { target, source: odd })]);
    await store.close();
    expect(await failureOf(exported(store))).toBe("STATE_CORRUPT no");
    const told: UnreadableRow[] = [];
    const onUnreadable = (row: UnreadableRow): number => told.push(row);
    const stream = await exported(store, { onUnreadable });
    expect(told.map(({ reason }) => reason)).toEqual([
      "the state of shop/cart/odd is damaged: its etag is none: expected 16 characters",
      'the message to nobody is damaged: actor name: expected at least one character, got ""',
    ]);
    const inner = memoryStatestore();
    const rows = { state: 4, revision: 2, reply: 2, message: 6, parked: 0 };
    expect(await imported(inner, stream)).toMatchObject({ rows, unreadable: 2 });
    const { system } = await startSystem(actors, { name: "shop", inner });
    const error = await errorOf(system.actor(cart, "odd").add("tea"));
    expect(error).toMatchObject({ code: "STATE_CORRUPT" });
    await system.stored(cart, "odd").delete();
    expect(await system.actor(cart, "odd").add("tea")).toBe(1);
  });

  test("may come in chunks of any size", async () => {
    const store = await filled();
    const stream = await exported(store);
    for (const size of [1, 7, 1000]) {
      const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
        stream.subarray(index * size, (index + 1) * size),
      );
      const target = memoryStatestore();
      await imported(target, chunks);
      expect(await rowsOf(target)).toEqual(await rowsOf(store));
    }
  });

  test("may be empty", async () => {
    const target = memoryStatestore();
    const empty = await exported(memoryStatestore(), { allowEmpty: true });
    expect(await imported(target, empty)).toMatchObject({ rows: { state: 0, message: 0 } });
    expect(await startOf(target)).toBe("started");
  });

  test("is not changed when the same stream comes again, whatever was done since", async () => {
    const stream = await exported(await filled());
    const target = memoryStatestore();
    await imported(target, stream);
    const { system, clock } = await startSystem(actors, { name: "shop", inner: target });
    await clock.advance(120_000);
    await system.actor(cart, "ann").add("cup");
    await system.stop();
    const before = await rowsOf(target);
    expect(await imported(target, stream)).toMatchObject({ wasThere: true });
    expect(await rowsOf(target)).toEqual(before);
  });
});

describe("an import", () => {
  /** Six megabytes, so that a stream is imported in several parts. */
  async function large(): Promise<Statestore> {
    const inner = memoryStatestore();
    const { system } = await startSystem(actors, { name: "shop", inner });
    await Promise.all(
      Array.from({ length: 1500 }, (_, index) =>
        system.actor(cart, `a${index}`).add("tea".repeat(700)),
      ),
    );
    await system.stop();
    return inner;
  }

  test("that fails in the middle can be run again, and nothing starts in between", async () => {
    const store = await large();
    const stream = await exported(store);
    const inner = memoryStatestore();
    const target = new FaultyStatestore(inner);
    const failsAt = (part: number): (() => void) => {
      let parts = 0;
      return () => {
        if (++parts === part) target.fail("systems", { kind: "fatal" });
      };
    };
    for (const part of [1, 3, 5]) {
      const failure = imported(target, stream, { onProgress: failsAt(part) });
      expect(await failureOf(failure)).toBe("STATESTORE_UNAVAILABLE no");
      expect(await startOf(inner)).toEqual(NOT_STARTED);
    }
    await imported(target, stream);
    expect(await rowsOf(inner)).toEqual(await rowsOf(store));
    expect(await startOf(inner)).toBe("started");
  });

  test("asks again when the statestore fails for a moment, or its answer is lost", async () => {
    const store = await large();
    const inner = memoryStatestore();
    const target = new FaultyStatestore(inner);
    let parts = 0;
    const onProgress = (): void => {
      target.fail("systems", ++parts % 2 === 0 ? { kind: "retry" } : { isApplied: true });
    };
    await imported(target, await exported(store), { onProgress });
    expect(parts).toBeGreaterThan(4);
    expect(await rowsOf(inner)).toEqual(await rowsOf(store));
  });

  test("counts again when the statestore fails for a moment while it looks through what is there", async () => {
    const store = await filled();
    const stream = await exported(store);
    for (const [replace, failing] of [
      [false, 1],
      [false, 2],
      [true, 1],
      [true, 2],
    ] as const) {
      const inner = memoryStatestore();
      if (replace) await filled(inner);
      const target = new FaultyStatestore(inner);
      const { systems } = target;
      const read = systems.read.bind(systems);
      let reads = 0;
      Object.assign(systems, {
        async *read(system: string) {
          const fails = ++reads === failing;
          for await (const rows of read(system)) {
            yield rows;
            if (fails) throw new StoreFailure("retry", "the connection is lost");
          }
          if (fails) throw new StoreFailure("retry", "the connection is lost");
        },
      });
      await imported(target, stream, { replace });
      expect(reads).toBe(3);
      expect(await rowsOf(inner)).toEqual(await rowsOf(store));
    }
  });

  test("that cannot be asked for lets no system start, and says why", async () => {
    const target = new FaultyStatestore(memoryStatestore());
    for (const kind of ["retry", "ambiguous"] as const) {
      target.fail("systems", { kind });
      const error = await startSystem(actors, { name: "shop", inner: target }).catch(String);
      expect(error).toMatch(/STATESTORE_UNAVAILABLE.*whether shop is imported in part/);
    }
    expect(await startOf(target)).toBe("started");
  });

  test("of a file that is not there says so, and leaves the statestore alone", async () => {
    const inner = memoryStatestore();
    const target = new FaultyStatestore(inner);
    target.fail("open", { kind: "fatal" });
    const missing = createReadStream("/nowhere/shop.jsonl");
    await expect(importSystem(target, missing, { system: "shop" })).rejects.toThrow("ENOENT");
    target.heal();
    const broken = (async function* () {
      yield (await exported(await large())).subarray(0, 5_000_000);
      throw new Error("the line is cut");
    })();
    await expect(importSystem(target, broken, { system: "shop" })).rejects.toThrow(
      "the line is cut",
    );
    expect(await startOf(inner)).toEqual(NOT_STARTED);
  });

  test("ends when its signal is aborted", async () => {
    const abort = new AbortController();
    const stream = await exported(await large());
    const target = memoryStatestore();
    const { signal } = abort;
    const onProgress = (): void => abort.abort(new Error("enough"));
    await expect(imported(target, stream, { signal, onProgress })).rejects.toThrow("enough");
    expect(await startOf(target)).toEqual(NOT_STARTED);
  });

  test("is refused where the system has anything, and replaces it when it is told to", async () => {
    const store = await filled();
    const stream = await exported(store);
    const target = await large();
    const { system } = await startSystem(actors, { name: "other", inner: target });
    await system.actor(cart, "ann").add("tea");
    await system.stop();
    const before = await rowsOf(target);
    const error = await errorOf(imported(target, stream));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain("has actors or messages of shop");
    expect(error.message).toContain("replace");
    expect(await rowsOf(target)).toEqual(before);
    await imported(target, stream, { replace: true });
    expect(await rowsOf(target)).toEqual(await rowsOf(store));
    const again = await startSystem(actors, { name: "other", inner: target });
    expect((await again.system.actor(cart, "ann").get()).items).toEqual(["tea"]);
  });

  test("of one export is refused on a part of another, and one that was clearing clears again", async () => {
    const first = await exported(await large());
    const store = await filled();
    const second = await exported(store);
    const target = memoryStatestore();
    const faulty = new FaultyStatestore(target);
    await errorOf(imported(faulty, first.subarray(0, first.length >> 1)));
    const error = await errorOf(imported(faulty, second));
    expect(error.message).toContain("a part of another import of shop");
    const clearing = new FaultyStatestore(target);
    // The mark comes through, and what is to be removed does not.
    let calls = 0;
    const { systems } = clearing;
    const remove = systems.remove.bind(systems);
    const removeOnce: typeof remove = async (rows) => {
      if (++calls > 1) throw new StoreFailure("fatal", "killed");
      await remove(rows);
    };
    Object.assign(systems, { remove: removeOnce });
    const replace = true;
    expect(await errorOf(imported(clearing, second, { replace }))).toMatchObject({
      code: "STATESTORE_UNAVAILABLE",
    });
    expect(await startOf(target)).toEqual(NOT_STARTED);
    expect((await errorOf(imported(target, second))).message).toContain("a part of another import");
    await imported(target, second, { replace });
    expect(await rowsOf(target)).toEqual(await rowsOf(store));
  });

  test("finds out when somebody else writes the system meanwhile, and then replaces what is there", async () => {
    const stream = await exported(await large());
    const target = memoryStatestore();
    let isFirst = true;
    const onProgress = (): void => {
      if (!isFirst) return;
      isFirst = false;
      const message = {
        id: "foreign",
        source: undefined,
        target: { system: "shop", definition: "cart", name: "a1" },
        action: "gift",
        payload: null,
        headers: { kind: "call" as const },
        isOrdered: false,
        isTimer: false,
        sentAt: 1,
        dueAt: 1,
      };
      void target.messages.send([message]);
    };
    const error = await errorOf(imported(target, stream, { onProgress }));
    expect(error.message).toContain("import with the option replace");
    expect(await startOf(target)).toEqual(NOT_STARTED);
    expect((await errorOf(imported(target, stream))).message).toContain("or the option replace");
    await imported(target, stream, { replace: true });
    expect(await startOf(target)).toBe("started");
  });
});
