import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameReader } from "./frame-reader.ts";

interface Said {
  readonly kind: number;
  readonly id: number;
  readonly body: Buffer;
}

const BODY_BYTES_MAX = 100;

function bytesOf({ kind, id, body }: Said): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32BE(body.length, 0);
  head[4] = kind;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, body]);
}

const frames = fc.array(
  fc.record({
    kind: fc.integer({ min: 0, max: 255 }),
    id: fc.integer({ min: 0, max: 0xffff_ffff }),
    body: fc.uint8Array({ maxLength: 2 * BODY_BYTES_MAX }).map((bytes) => Buffer.from(bytes)),
  }),
  { maxLength: 12 },
);

test("finds the same frames however their bytes are cut, and leaves out those that are too large", () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 60 })), (said, cuts) => {
      const heard: (Said | { readonly id: number; readonly bytes: number })[] = [];
      const reader = new FrameReader(BODY_BYTES_MAX, {
        frame: (kind, id, body) => heard.push({ kind, id, body: Buffer.from(body) }),
        tooLarge: (_kind, id, bytes) => heard.push({ id, bytes }),
      });
      let rest = Buffer.concat(said.map(bytesOf));
      for (const cut of cuts) {
        reader.read(rest.subarray(0, cut));
        rest = rest.subarray(cut);
        expect(reader.heldBytes).toBeLessThanOrEqual(BODY_BYTES_MAX);
      }
      reader.read(rest);
      expect(reader.heldBytes).toBe(0);
      const expected = said.map(({ kind, id, body }) =>
        body.length > BODY_BYTES_MAX ? { id, bytes: body.length } : { kind, id, body },
      );
      expect(heard).toEqual(expected);
    }),
  );
});

test("tells of a frame that is dropped while it comes, and of those behind it", () => {
  const heard: unknown[] = [];
  const reader = new FrameReader(BODY_BYTES_MAX, {
    frame: (_kind, id, body) => heard.push({ id, body: body.toString() }),
    tooLarge: (_kind, id, bytes) => heard.push({ id, bytes }),
  });
  const first = bytesOf({ kind: 1, id: 1, body: Buffer.alloc(50) });
  reader.read(first.subarray(0, 30));
  reader.drop();
  reader.drop();
  expect(reader.heldBytes).toBe(0);
  reader.read(first.subarray(30));
  reader.read(bytesOf({ kind: 1, id: 2, body: Buffer.from("next") }));
  expect(heard).toEqual([
    { id: 1, bytes: 50 },
    { id: 2, body: "next" },
  ]);
});

test("puts a body together that comes byte by byte", () => {
  const body = Buffer.from(Array.from({ length: 5_000 }, (_, at) => at % 251));
  const heard: Buffer[] = [];
  const reader = new FrameReader(10_000, {
    frame: (_kind, _id, whole) => heard.push(whole),
    tooLarge: () => expect.unreachable(),
  });
  for (const byte of bytesOf({ kind: 1, id: 1, body })) reader.read(Buffer.from([byte]));
  expect(heard).toEqual([body]);
});
