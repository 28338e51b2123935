/** Streams that are damaged, cut off or somebody else's, and what they leave behind: nothing that starts. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { memoryStatestore } from "spawn-mesh/memory";
import { seededRandom } from "spawn-mesh/testing";
import { importSystem } from "spawn-mesh/transfer";
import { errorOf, failureOf } from "../start-system.ts";
import { exported, filled, imported, NOT_STARTED, rowsOf, startOf } from "./shop.ts";

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
    const lengths = stream
      .toString()
      .split("\n")
      .map((line) => Buffer.byteLength(line) + 1);
    const behindLines = lengths.slice(0, -2).map((_, at) => sum(lengths.slice(0, at + 1)));
    const ends = [1, 50, stream.length >> 2, stream.length >> 1, stream.length - 100];
    for (const end of [...behindLines, ...ends, stream.length - 2, stream.length - 1]) {
      const target = memoryStatestore();
      const error = await errorOf(imported(target, stream.subarray(0, end)));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(error.message).toMatch(/cut off|no export|damaged/);
      // Before anything was checked, nothing was changed.
      const isChecked = stream.indexOf("\n", stream.indexOf('{"part"')) < end;
      expect(await startOf(target)).toEqual(isChecked ? NOT_STARTED : "started");
      await imported(target, stream);
      expect(await rowsOf(target)).toEqual(await rowsOf(store));
      expect(await startOf(target)).toBe("started");
    }
  });
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}

interface Row {
  readonly kind: string;
  readonly actor: object;
  readonly stored: object;
}

function sealedRow(row: Row): object {
  return { ...row, stored: { ...row.stored, state: { keyId: "x", base64: "AAAA" } } };
}
