/** Messages as other encoders may write them: in any order, in several parts, longer than needed, or wrong. */
import { fromBinary } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ActorInvocationResponseSchema,
  ActorInvocationSchema,
  InvocationRequestSchema,
  InvocationResponseSchema,
} from "./gen/spawn/protocol_pb.ts";
import { usualMessage } from "./usual-messages.ts";

type Bytes = readonly number[];

/** Of numbers that fit nowhere the readers of the library keep different parts. */
const numbers = fc.constantFrom(
  0n,
  1n,
  2n,
  300n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n + 1n,
  2n ** 48n,
  2n ** 49n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
);
const texts = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom("é", "\uFEFFa", "__proto__", "type.googleapis.com/spawn.JSONType"),
);
/** How many bytes more than needed a number takes. */
const paddings = fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, fc.nat(3));

function varint(value: bigint, padding: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  for (let more = 0; more < padding; more++) {
    bytes[bytes.length - 1]! |= 0x80;
    bytes.push(0);
  }
  return bytes;
}

function number(field: number): fc.Arbitrary<Bytes> {
  return fc
    .tuple(numbers, paddings, paddings)
    .map(([value, ...paddingsOf]) => [
      ...varint(BigInt(field * 8), paddingsOf[0]),
      ...varint(value, paddingsOf[1]),
    ]);
}

function lengthDelimited(field: number, value: fc.Arbitrary<Bytes>): fc.Arbitrary<Bytes> {
  const lies = fc.oneof({ weight: 99, arbitrary: fc.constant(0) }, fc.integer({ min: -1, max: 1 }));
  return fc
    .tuple(value, paddings, lies)
    .map(([bytes, padding, lie]) => [
      ...varint(BigInt(field * 8 + 2), 0),
      ...varint(BigInt(Math.max(0, bytes.length + lie)), padding),
      ...bytes,
    ]);
}

function text(field: number): fc.Arbitrary<Bytes> {
  const invalid = fc.constant<Bytes>([0xc3, 0x28]);
  const valid = texts.map((value) => [...Buffer.from(value)]);
  return lengthDelimited(
    field,
    fc.oneof({ weight: 30, arbitrary: valid }, { weight: 1, arbitrary: invalid }),
  );
}

/** A fixed number, a group, and types that there are not. */
const strange = fc.constantFrom<Bytes>([13, 1, 2, 3, 4], [11, 8, 1, 12], [14], [15], [0x80, 0x7d]);

/** Some of these fields, in any order, and rarely one twice or one that nobody expects. */
function fields(...known: readonly fc.Arbitrary<Bytes>[]): fc.Arbitrary<Bytes> {
  const some = fc.shuffledSubarray([...known.keys()]).chain((chosen) => {
    return fc.tuple(...chosen.map((index) => known[index]!));
  });
  const rarely = (bytes: fc.Arbitrary<Bytes>) =>
    fc.oneof({ weight: 30, arbitrary: fc.constant<Bytes>([]) }, { weight: 1, arbitrary: bytes });
  const again = known.length > 0 ? fc.oneof(...known) : strange;
  return fc
    .tuple(some, rarely(again), rarely(strange))
    .map(([chosen, ...rare]) => [...chosen.flat(), ...rare.flat()]);
}

function message(field: number, ...known: readonly fc.Arbitrary<Bytes>[]): fc.Arbitrary<Bytes> {
  return lengthDelimited(field, fields(...known));
}

const ofId = [text(1), text(2), text(3)];
const ofAny = [text(1), text(2)];
const entry = (field: number) => message(field, text(1), text(2));
const actor = message(3, message(1, ...ofId));
const context = message(
  3,
  message(1, ...ofAny),
  message(2, ...ofId),
  message(3, ...ofId),
  entry(4),
  entry(4),
  entry(5),
);
const further = [text(1_000), number(1_001)];

const messages: readonly (readonly [DescMessage, fc.Arbitrary<Bytes>])[] = [
  [
    InvocationRequestSchema,
    fields(
      message(1, text(1)),
      message(2, message(1, ...ofId)),
      text(3),
      message(4, ...ofAny),
      number(5),
      message(6, ...ofId),
      entry(8),
      entry(8),
      text(11),
      ...further,
    ),
  ],
  [
    InvocationResponseSchema,
    fields(message(1, number(1), text(2)), message(2, text(1)), actor, message(4, ...ofAny)),
  ],
  [
    ActorInvocationSchema,
    fields(message(1, ...ofId), text(2), context, message(4, ...ofAny), ...further),
  ],
  [
    ActorInvocationResponseSchema,
    fields(text(1), text(2), context, message(4, ...ofAny), message(6), number(7), ...further),
  ],
];

function readByTheLibrary(schema: DescMessage, bytes: Uint8Array): unknown {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    return error;
  }
}

test.each(messages)(
  "$typeName is never read in another way than the library reads it",
  (schema, odd) => {
    let read = 0;
    fc.assert(
      fc.property(odd, (message) => {
        const bytes = Buffer.from(message);
        const usual = usualMessage(schema.typeName, bytes);
        if (usual === undefined) return;
        read++;
        expect(usual).toEqual(readByTheLibrary(schema, bytes));
      }),
      { numRuns: 1_500, seed: 1 },
    );
    expect(read).toBeGreaterThan(200);
  },
);
