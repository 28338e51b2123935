/** A system as a stream: of which moment it is, and how it ends. */
import { describe, expect, test } from "vitest";
import { memoryStatestore } from "spawn-mesh/memory";
import { exportSystem } from "spawn-mesh/transfer";
import type { ExportOptions } from "../../../src/statestores/transfer/export-system.ts";
import { errorOf, failureOf, startSystem } from "../start-system.ts";
import { actors, cart, exported, filled, imported, NOT_STARTED } from "./shop.ts";

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const part of stream) bytes += part.length;
  return bytes;
}

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
    let parts = 0;
    for await (const _ of system.export()) {
      parts++;
      const second = system.export()[Symbol.asyncIterator]();
      expect(await failureOf(second.next())).toBe("OVERLOADED no");
    }
    expect(parts).toBeGreaterThan(0);
    expect(await bytesOf(system.export())).toBeGreaterThan(0);
  });

  test("is refused when there is nothing of the system, unless that is meant", async () => {
    for (const options of [{}, { allowEmpty: false }, { allowEmpty: undefined }]) {
      const nothing = exported(memoryStatestore(), options as ExportOptions);
      await expect(nothing).rejects.toThrow('the statestore has nothing of "shop"');
    }
  });

  test("of which there is nothing is taken for a misspelt one; one that works may have nothing yet", async () => {
    const parts = exportSystem(memoryStatestore(), "shop")[Symbol.asyncIterator]();
    expect(await failureOf(parts.next())).toBe("INVALID_ARGUMENT no");
    const { system } = await startSystem(actors, { name: "shop" });
    expect(await bytesOf(system.export())).toBeGreaterThan(0);
  });

  test("closes the statestore that it has opened, also when nobody reads on", async () => {
    const store = await filled();
    for await (const part of exportSystem(store, "shop")) if (part.length > 0) break;
    await expect(store.load([])).rejects.toThrow("not open");
  });
});
