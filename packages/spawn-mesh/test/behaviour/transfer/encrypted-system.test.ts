/** An encrypted system as a stream: sealed as it is, or in clear where that is wanted. */
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { encryptedStatestore } from "spawn-mesh/encryption";
import type { Statestore } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import type { UnreadableRow } from "spawn-mesh/transfer";
import { errorOf, startSystem } from "../start-system.ts";
import { actors, cart, exported, filled, imported, rowsOf, startOf } from "./shop.ts";

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
    for (const without of [inner, under(inner, ["two"])]) {
      const error = await errorOf(without.open({ owner: "without a key" }));
      expect(error).toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
      expect(error.message).toMatch(/with key .*"one", which this program does not have/);
    }
    const target = under(inner, ["one", "two"]);
    expect(await rowsOf(target)).toEqual(await rowsOf(source));
    const { system } = await startSystem(actors, { name: "shop", inner: target });
    expect((await system.actor(cart, "ann").get()).items).toEqual(["tea", "pot"]);
  });

  test("is not exported with rows of a key that came into use at that moment", async () => {
    const source = under(memoryStatestore(), ["one"]);
    await filled(source);
    const { sealed } = source;
    const listKeys = sealed.listKeys.bind(sealed);
    let asked = 0;
    // First when it is opened, and again when the head is written.
    Object.assign(sealed, { listKeys: async () => (++asked === 2 ? [] : await listKeys()) });
    const error = await errorOf(exported(source));
    expect(error).toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
    expect(error.message).toContain('with "one", which came into use');
  });

  test("is not exported for ever because of a row with a key that there never was", async () => {
    const source = under(memoryStatestore(), ["one"]);
    await filled(source);
    Object.assign(source.sealed, { listKeys: async () => [] });
    const error = await errorOf(exported(source));
    expect(error).toMatchObject({ code: "STATE_CORRUPT" });
    expect(error.message).toContain('with "one", a key that the statestore does not know');
    const told: string[] = [];
    const onUnreadable = ({ what }: UnreadableRow): number => told.push(what);
    const stream = await exported(source, { onUnreadable });
    expect(told).toHaveLength(12);
    expect(await imported(memoryStatestore(), stream)).toMatchObject({
      unreadable: 12,
      rows: { state: 3, revision: 0, reply: 0, message: 0 },
    });
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
