/** Makes of a good message one that is not. */
import type { Choices } from "./choices.ts";

type Mutation = (bytes: Buffer, choices: Choices) => Buffer;

/** Bytes that decoders have stumbled over: numbers too long, lengths beyond the end, groups, tag 0. */
const NASTY: readonly Buffer[] = [
  "ffffffffffffffffff01",
  "ffffffffffffffffffffff",
  "80808080808080808080808001",
  "0affffffff0f",
  "0aff7f",
  "00",
  "0b",
  "0c",
  "0b0b0b0b0b0b",
  "0f",
  "c0af",
  "eda080",
  "f8888080",
  "efbbbf",
].map((hex) => Buffer.from(hex, "hex"));

interface Splice {
  readonly removed?: number;
  readonly added?: Uint8Array;
}

/** The bytes with some of them replaced, somewhere. */
function spliced(bytes: Buffer, choices: Choices, { removed = 0, added }: Splice): Buffer {
  const at = choices.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), added ?? NOTHING, bytes.subarray(at + removed)]);
}

const NOTHING = Buffer.alloc(0);

/** A message in a message in a message. */
function nested(levels: number): Buffer {
  let length = 0;
  const heads: Buffer[] = [];
  for (let level = 0; level < levels; level++) {
    const head = Buffer.from([0x0a, ...varint(length)]);
    heads.push(head);
    length += head.length;
  }
  return Buffer.concat(heads.toReversed());
}

function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left >>>= 7) bytes.push((left & 127) | 128);
  return [...bytes, left];
}

const mutations: readonly Mutation[] = [
  (bytes, choices) => {
    const changed = Buffer.from(bytes);
    for (let flips = 1 + choices.below(4); flips > 0 && changed.length > 0; flips--) {
      const at = choices.below(changed.length);
      changed[at] = changed[at]! ^ (1 << choices.below(8));
    }
    return changed;
  },
  (bytes, choices) => bytes.subarray(0, choices.below(bytes.length + 1)),
  (bytes, choices) => spliced(bytes, choices, { added: choices.pick(NASTY) }),
  (bytes, choices) => spliced(bytes, choices, { removed: 1, added: choices.pick(NASTY) }),
  (bytes, choices) => spliced(bytes, choices, { added: choices.bytes(1 + choices.below(40)) }),
  (bytes, choices) => {
    const from = choices.below(bytes.length + 1);
    return spliced(bytes, choices, { added: bytes.subarray(from, from + choices.below(200)) });
  },
  (bytes, choices) => spliced(bytes, choices, { removed: choices.below(20) }),
  (bytes) => Buffer.concat([bytes, bytes]),
  (bytes, choices) => Buffer.concat([bytes, nested(choices.pick([10, 100, 1_000, 10_000]))]),
  (_, choices) => choices.bytes(choices.below(300)),
  () => Buffer.alloc(0),
];

/** A changed copy of `bytes`; now and then the same. */
export function mutate(bytes: Uint8Array, choices: Choices): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  if (choices.chance(0.05)) return changed;
  do {
    changed = choices.pick(mutations)(changed, choices);
  } while (choices.chance(0.3));
  return changed;
}
