import { OpaqueValue, textOfValue } from "./value-text.ts";

/**
 * A 64-bit fingerprint of a text, as 16 hexadecimal digits: tells whether an idempotency key comes
 * again with the same request. Two runs of MurmurHash3's mixer with different seeds; not meant to
 * withstand an attacker, who could only confuse his own keys.
 */
export function fingerprint(text: string): string {
  let high = 0x9e3779b9;
  let low = 0x243f6a88;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 0x85ebca6b);
    low = Math.imul(low ^ unit, 0xc2b2ae35);
    high = (high << 13) | (high >>> 19);
    low = (low << 15) | (low >>> 17);
  }
  return hex(mix(high ^ text.length)) + hex(mix(low ^ Math.imul(high, 0x27d4eb2f)));
}

function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

/** JSON in which the order of fields makes no difference: equal values are equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (inner instanceof OpaqueValue) return textOfValue(inner);
    return isRecord(inner) ? sorted(inner) : inner;
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(record: Readonly<Record<string, unknown>>): object {
  const names = Object.keys(record).toSorted();
  return Object.fromEntries(names.map((name) => [name, record[name]]));
}
