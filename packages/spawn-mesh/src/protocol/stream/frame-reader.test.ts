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
