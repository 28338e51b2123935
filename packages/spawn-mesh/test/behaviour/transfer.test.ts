/** A system as a stream: what is refused, what may be repeated, and what never starts. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { encryptedStatestore } from "spawn-mesh/encryption";
import { StoreFailure, type Statestore } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { FaultyStatestore, seededRandom } from "spawn-mesh/testing";
import { exportSystem, importSystem } from "spawn-mesh/transfer";
import { type ExportOptions, exportFrom } from "../../src/statestores/transfer/export-system.ts";
import { errorOf, failureOf, startSystem } from "./start-system.ts";

const cart = actor("cart", {
  kind: "unnamed",
  state: () => ({ items: [] as string[], got: 0 }),
  snapshotTimeoutMs: 1,
  actions: {
    add(ctx, item: string) {
      ctx.state.items.push(item);
      ctx.send("bob", { definition: "cart", action: "gift", payload: item, delayMs: 60_000 });
      return ctx.state.items.length;
    },
    gift(ctx) {
      return ++ctx.state.got;
    },
    fails() {
      throw new Error("never");
    },
  },
});
const actors = [cart];

/** A stopped system with a bit of everything. */
async function filled(inner: Statestore = memoryStatestore()): Promise<Statestore> {
  const { system } = await startSystem(actors, { name: "shop", inner });
  for (const name of ["ann", "bob", "cat"]) {
    await system.actor(cart, name).add("tea", { idempotencyKey: "k" });
    await system.actor(cart, name).add("pot");
  }
  await system.stored(cart, "cat").delete();
  await system.stop();
  return inner;
}

async function exported(store: Statestore, options = {}): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of exportSystem(store, "shop", options)) parts.push(part);
  return Buffer.concat(parts);
}

/** The lines between the first and the last one: those do not tell one export from another. */
async function rowsOf(store: Statestore, options = {}): Promise<readonly string[]> {
  const parts: Uint8Array[] = [];
  await store.open({ owner: "reader" });
  for await (const part of exportFrom(store, "shop", options)) parts.push(part);
  await store.close();
  const lines = Buffer.concat(parts).toString().split("\n");
  return lines.filter((line) => line.startsWith('{"kind"'));
}

async function imported(store: Statestore, stream: Buffer | readonly Buffer[], options = {}) {
  return await importSystem(store, [stream].flat(), { system: "shop", ...options });
}

/** Starts the system on a statestore; answers how that ended. */
async function startOf(inner: Statestore): Promise<string> {
  try {
    const { system } = await startSystem(actors, { name: "shop", inner });
    await system.stop();
    return "started";
  } catch (error) {
    return (error as Error).message;
  }
}

const NOT_STARTED = expect.stringContaining("holds only a part of shop");

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

  test("is refused when there is nothing of the system, unless that is meant", async () => {
    for (const options of [{}, { allowEmpty: false }, { allowEmpty: undefined }]) {
      const nothing = exported(memoryStatestore(), options as ExportOptions);
      await expect(nothing).rejects.toThrow('the statestore has nothing of "shop"');
    }
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

describe("an export", () => {
  test("of a running system is what it was when the first bytes were taken", async () => {
    const { system } = await startSystem(actors, { name: "shop" });
    const names = Array.from({ length: 600 }, (_, index) => `a${index}`);
    await Promise.all(names.map((name) => system.actor(cart, name).add("tea")));
    const parts: Uint8Array[] = [];
    const progress: number[] = [];
    const onProgress = ({ rows }: { rows: { state: number } }): void =>
      void progress.push(rows.state);
    for await (const part of system.export({ onProgress })) {
      if (parts.length === 0) {
        await Promise.all(names.map((name) => system.actor(cart, name).add("pot")));
      }
      parts.push(part);
    }
    expect(progress.at(-1)).toBe(600);
    expect(progress.length).toBeGreaterThan(1);
    const target = memoryStatestore();
    await imported(target, Buffer.concat(parts));
    const itemsOf = async (of: typeof system): Promise<unknown> =>
      await Promise.all(
        ["a0", "a599"].map(async (name) => (await of.actor(cart, name).get()).items),
      );
    expect(await itemsOf(system)).toEqual([
      ["tea", "pot"],
      ["tea", "pot"],
    ]);
    await system.stop();
    const { system: copy } = await startSystem(actors, { name: "shop", inner: target });
    expect(await itemsOf(copy)).toEqual([["tea"], ["tea"]]);
  });

  test("of a part of a system is refused: as a stream it would be a whole one", async () => {
    const stream = await exported(await filled());
    const target = memoryStatestore();
    await errorOf(imported(target, stream.subarray(0, -1)));
    const error = await errorOf(exported(target));
    expect(error).toMatchObject({ code: "STATESTORE_UNAVAILABLE", message: NOT_STARTED });
    await imported(target, stream);
    expect((await exported(target)).length).toBeGreaterThan(0);
  });

  test("ends when its signal is aborted, and when the system stops", async () => {
    const { system } = await startSystem(actors, { name: "shop" });
    await Promise.all(
      Array.from({ length: 1000 }, (_, index) => system.actor(cart, `a${index}`).add("tea")),
    );
    const abort = new AbortController();
    const first = system.export({ signal: abort.signal })[Symbol.asyncIterator]();
    await first.next();
    abort.abort(new Error("enough"));
    await expect(first.next()).rejects.toThrow("enough");
    const second = system.export()[Symbol.asyncIterator]();
    await second.next();
    await system.stop();
    expect(await failureOf(second.next())).toBe("SHUTTING_DOWN no");
    expect(() => system.export()).toThrow(expect.objectContaining({ code: "SHUTTING_DOWN" }));
  });

  test("is one at a time, since each keeps a connection", async () => {
    const { system } = await startSystem(actors, { name: "shop" });
    await system.actor(cart, "ann").add("tea");
    for await (const _ of system.export()) {
      const second = system.export()[Symbol.asyncIterator]();
      expect(await failureOf(second.next())).toBe("OVERLOADED no");
    }
    for await (const part of system.export()) expect(part.length).toBeGreaterThan(0);
  });

  test("of which there is nothing is taken for a misspelt one; one that works may have nothing yet", async () => {
    const parts = exportSystem(memoryStatestore(), "shop")[Symbol.asyncIterator]();
    expect(await failureOf(parts.next())).toBe("INVALID_ARGUMENT no");
    const { system } = await startSystem(actors, { name: "shop" });
    for await (const part of system.export()) expect(part.length).toBeGreaterThan(0);
  });

  test("closes the statestore that it has opened, also when nobody reads on", async () => {
    const store = await filled();
    for await (const part of exportSystem(store, "shop")) if (part.length > 0) break;
    await expect(store.load([])).rejects.toThrow("not open");
  });
});

describe("a stream is refused", () => {
  const flip = (stream: Buffer, at: number): Buffer => {
    const changed = Buffer.from(stream);
    changed[at]! ^= 0x01;
    return changed;
  };
  const lines = (stream: Buffer): readonly string[] => stream.toString().split("\n");

  test.each<[string, (stream: Buffer) => Buffer, string]>([
    ["that is empty", () => Buffer.alloc(0), "is empty"],
    ["that is something else", () => Buffer.from("# a text\n"), "no JSON"],
    ["that is other JSON", () => Buffer.from('{"a":1}\n'), "no export of an actor system"],
    ["of an array", () => Buffer.from("[]\n"), "no export of an actor system"],
    [
      "of a version from the future",
      (stream) => Buffer.from(stream.toString().replace('"version":1', '"version":2')),
      "version 2 of the format, this program knows 1: use a newer version",
    ],
    [
      "of another system",
      (stream) => Buffer.from(stream.toString().replaceAll('"shop"', '"shoe"')),
      "digest",
    ],
    [
      "with a flipped byte in its head",
      (stream) => flip(stream, stream.indexOf('"id"') + 8),
      "digest",
    ],
    [
      "with a flipped byte in a row",
      (stream) => flip(stream, stream.indexOf('"items') + 3),
      "digest",
    ],
    [
      "without its first half",
      (stream) => stream.subarray(stream.length >> 1),
      "damaged at line 1",
    ],
    ["without a row", (stream) => Buffer.from(lines(stream).toSpliced(3, 1).join("\n")), "digest"],
  ])("%s, and nothing is changed", async (_what, change, reason) => {
    const stream = await exported(await filled());
    const target = memoryStatestore();
    const error = await errorOf(imported(target, change(stream)));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    expect(error.message).toContain(reason);
    expect(await rowsOf(target)).toEqual([]);
    expect(await startOf(target)).toBe("started");
  });

  test("with any bit flipped, and what got in before is as it was written", async () => {
    const store = await filled();
    const stream = await exported(store);
    const rows = new Set(await rowsOf(store));
    const choose = seededRandom(1);
    for (let round = 0; round < 300; round++) {
      const changed = Buffer.from(stream);
      const at = Math.floor(choose.fraction() * stream.length);
      changed[at]! ^= 1 << Math.floor(choose.fraction() * 8);
      const target = memoryStatestore();
      expect(await failureOf(imported(target, changed))).toBe("INVALID_ARGUMENT no");
      expect((await rowsOf(target)).filter((row) => !rows.has(row))).toEqual([]);
    }
  });

  test.each<[string, (row: Row) => object]>([
    ["an etag that is too short", (row) => ({ ...row, stored: { ...row.stored, etag: "ab" } })],
    ["no revision", (row) => ({ ...row, stored: { ...row.stored, revision: "1" } })],
    ["nothing stored", (row) => ({ ...row, stored: null })],
    ["no actor", ({ kind, stored }) => ({ kind, stored })],
    ["a name that cannot be", (row) => ({ ...row, actor: { ...row.actor, name: "a\0" } })],
    ["another kind", (row) => ({ ...row, kind: "constructor" })],
    ["a key that nobody named", (row) => sealedRow(row)],
    ["another system", (row) => ({ ...row, actor: { ...row.actor, system: "other" } })],
  ])("with a row that has %s, although its digests are right", async (_what, change) => {
    const [head = "", ...lines] = (await exported(await filled())).toString().trimEnd().split("\n");
    const row = JSON.stringify(change(JSON.parse(lines[0]!) as Row));
    const sha256 = (before: readonly string[]): string =>
      createHash("sha256")
        .update(before.map((line) => `${line}\n`).join(""))
        .digest("hex");
    const part = JSON.stringify({ part: { rows: 1, sha256: sha256([head, row]) } });
    const rows = { state: 1, revision: 0, index: 0, reply: 0, message: 0, parked: 0 };
    const end = JSON.stringify({ end: { rows, sha256: sha256([head, row, part]) } });
    const target = memoryStatestore();
    const forged = Buffer.from(`${[head, row, part, end].join("\n")}\n`);
    expect(await failureOf(imported(target, forged))).toBe("INVALID_ARGUMENT no");
    expect(await rowsOf(target)).toEqual([]);
  });

  test("of a system that is not the one that is expected", async () => {
    const stream = await exported(await filled());
    const error = await errorOf(importSystem(memoryStatestore(), [stream], { system: "other" }));
    expect(error.message).toContain("is of the system shop, expected one of other");
  });

  test("that has something behind its end: which of the two was meant?", async () => {
    const stream = await exported(await filled());
    const target = memoryStatestore();
    const error = await errorOf(imported(target, [stream, Buffer.from("{}\n")]));
    expect(error.message).toContain("behind its last line");
    expect(await startOf(target)).toEqual(NOT_STARTED);
  });

  test("that is cut off anywhere, and the system does not start until the whole one came", async () => {
    const store = await filled();
    const stream = await exported(store);
    const ends = [1, 50, stream.length >> 2, stream.length >> 1, stream.length - 100];
    for (const end of [...ends, stream.length - 2, stream.length - 1]) {
      const target = memoryStatestore();
      const error = await errorOf(imported(target, stream.subarray(0, end)));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(error.message).toMatch(/cut off|no export|damaged/);
      // Before anything was checked, nothing was changed.
      const isChecked = stream.indexOf('{"part"') < end - 100;
      expect(await startOf(target)).toEqual(isChecked ? NOT_STARTED : "started");
      await imported(target, stream);
      expect(await rowsOf(target)).toEqual(await rowsOf(store));
      expect(await startOf(target)).toBe("started");
    }
  });
});

interface Row {
  readonly kind: string;
  readonly actor: object;
  readonly stored: object;
}

function sealedRow(row: Row): object {
  return { ...row, stored: { ...row.stored, state: { keyId: "x", base64: "AAAA" } } };
}

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

describe("an encrypted system", () => {
  const keys = { one: randomBytes(32), two: randomBytes(32) };
  const under = (inner: Statestore, ids: readonly (keyof typeof keys)[]): Statestore =>
    encryptedStatestore(inner, {
      keys: Object.fromEntries(ids.map((id) => [id, keys[id]])),
      active: ids[0]!,
      required: true,
    });

  test("is exported as it is, without a secret, and imported where its keys are", async () => {
    const source = under(memoryStatestore(), ["one"]);
    await filled(source);
    const stream = await exported(source);
    expect(stream.includes("items")).toBe(false);
    const inner = memoryStatestore();
    await imported(under(inner, ["two", "one"]), stream);
    const target = under(inner, ["one", "two"]);
    expect(await rowsOf(target)).toEqual(await rowsOf(source));
    const { system } = await startSystem(actors, { name: "shop", inner: target });
    expect((await system.actor(cart, "ann").get()).items).toEqual(["tea", "pot"]);
    expect(await failureOf(startAgain(inner))).toBe("STATESTORE_UNAVAILABLE no");
  });

  const startAgain = async (inner: Statestore): Promise<void> =>
    await inner.open({ owner: "without keys" });

  test("is not exported with rows of a key that came into use at that moment", async () => {
    const source = under(memoryStatestore(), ["one"]);
    await filled(source);
    Object.assign(source.sealed, { listKeys: async () => [] });
    const error = await errorOf(exported(source));
    expect(error).toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
    expect(error.message).toContain('with "one", which came into use');
  });

  test("is refused where a key is missing, or another has its id", async () => {
    const source = under(memoryStatestore(), ["one"]);
    const stream = await exported(await filled(source));
    const targets: readonly [Statestore, string][] = [
      [memoryStatestore(), 'is encrypted with "one": expected encryptedStatestore'],
      [under(memoryStatestore(), ["two"]), 'are encrypted with "one": expected that key'],
      [
        encryptedStatestore(memoryStatestore(), { keys: { one: randomBytes(32) } }),
        'are encrypted with another key than "one"',
      ],
    ];
    for (const [target, reason] of targets) {
      const error = await errorOf(imported(target, stream));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(error.message).toContain(reason);
      expect(await rowsOf(target)).toEqual([]);
    }
  });

  test("is exported in clear when that is wanted, and encrypted where it is imported", async () => {
    const source = under(memoryStatestore(), ["one"]);
    await filled(source);
    const inClear = await exported(source, { inClear: true });
    expect(inClear.includes("items")).toBe(true);
    const plain = memoryStatestore();
    await imported(plain, inClear);
    expect(await startOf(plain)).toBe("started");
    const inner = memoryStatestore();
    await imported(under(inner, ["two"]), inClear);
    expect((await exported(under(inner, ["two"]))).includes("items")).toBe(false);
    expect(await rowsOf(under(inner, ["two"]), { inClear: true })).toEqual(
      await rowsOf(source, { inClear: true }),
    );
  });

  test("is not exported in clear when a value cannot be opened", async () => {
    const inner = memoryStatestore();
    await filled(under(inner, ["one"]));
    // Without the proof nobody is asked for the key.
    await inner.open({ owner: "test", keyIds: ["one"] });
    await inner.sealed.removeKey("one");
    await inner.close();
    expect((await errorOf(exported(inner, { inClear: true }))).code).toBe("STATE_CORRUPT");
    const error = await errorOf(exported(under(inner, ["two"]), { inClear: true }));
    expect(error).toMatchObject({ code: "STATE_CORRUPT" });
    expect(error.message).toContain('encrypted with key "one"');
  });

  test("is not imported in clear where clear text may not be", async () => {
    const outside = new Proxy(memoryStatestore(), {
      get: (target, key) => {
        if (key === "needsEncryption") return true;
        const value = Reflect.get(target, key, target) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
    const error = await errorOf(imported(outside, await exported(await filled())));
    expect(error.message).toContain("expected the option encryption");
  });
});
